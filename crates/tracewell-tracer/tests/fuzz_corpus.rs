//! Every input in `fuzz/corpus/sdk_recording` is replayed: seeds, and whatever the fuzz target once found.

#[expect(unreachable_pub, reason = "to the fuzz targets it is a library")]
#[path = "../../../fuzz/src/recording.rs"]
mod recording;

#[test]
fn sdk_recording_holds() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/sdk_recording");
    let mut inputs = 0;
    for entry in std::fs::read_dir(folder).expect(folder) {
        let path = entry.expect("the folder is readable").path();
        eprintln!("{}", path.display());
        recording::acts(&std::fs::read(path).expect("the input is readable"));
        inputs += 1;
    }
    assert_ne!(inputs, 0, "there is no corpus");
}
