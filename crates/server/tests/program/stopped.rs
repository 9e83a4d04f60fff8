//! `tracewell store` on directories that the real engine made.

use std::path::{Path, PathBuf};

use crate::running::{fill, run};

fn segment(home: &Path) -> PathBuf {
    let folder = home.join("segments/default");
    let mut files = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be listed").path());
    files
        .find(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .expect("there is a segment")
}

#[test]
fn store_verify_finds_a_flipped_byte_and_says_what_it_may_cost() {
    let home = tempfile::tempdir().unwrap();
    fill(home.path(), "verify");
    let verify = ["store", "verify", "--data-dir", home.path().to_str().unwrap()];
    let (good, text) = run(&verify);
    assert!(good && text.ends_with("all is sound\n"), "{text}");
    let path = segment(home.path());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[200] ^= 0x10;
    std::fs::write(&path, bytes).unwrap();
    let (good, text) = run(&verify);
    assert!(!good && text.ends_with("1 damaged\n"), "{text}");
    assert!(text.contains("may cost ") && text.contains(" of tenant default"), "{text}");
}

#[test]
fn store_stats_says_what_costs_what() {
    let home = tempfile::tempdir().unwrap();
    fill(home.path(), "stats");
    let directory = home.path().to_str().unwrap();
    let (good, text) = run(&["store", "stats", "--data-dir", directory]);
    assert!(good && text.contains("span id") && text.contains(" %"), "{text}");
    let (good, text) = run(&["store", "stats", "--json", "--data-dir", directory]);
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let sum: u64 = told["costs"].as_array().unwrap().iter().map(|cost| cost["bytes"].as_u64().unwrap()).sum();
    assert!(good && told["bytes"].as_u64() == Some(sum), "{text}");
    assert_eq!(sum, std::fs::metadata(segment(home.path())).unwrap().len());
}
