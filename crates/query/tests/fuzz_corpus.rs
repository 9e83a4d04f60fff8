//! Every input in `fuzz/corpus/query` is replayed: seeds, and whatever the fuzz target once found.

#[expect(unreachable_pub, reason = "to the fuzz targets it is a library")]
#[path = "../../../fuzz/src/questions.rs"]
mod demand;

#[test]
fn query_holds() {
    let folder = format!("{}/../../fuzz/corpus/query", env!("CARGO_MANIFEST_DIR"));
    let inputs: Vec<_> = std::fs::read_dir(&folder).expect(&folder).collect();
    assert_ne!(inputs.len(), 0, "there is no corpus");
    for entry in inputs {
        let path = entry.expect("the folder is readable").path();
        eprintln!("{}", path.display());
        demand::text(&std::fs::read(path).expect("the input is readable"));
    }
}
