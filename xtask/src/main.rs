//! The only runner: `tidy`, `test`, `proto`, `ui`, `shots`.
//!
//! Everything a machine does with this repository besides `cargo build` starts here, so that a
//! developer, a bare machine and the gate run the very same commands. It leans on the standard
//! library alone where it can: it must be built before anything else runs.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a runner speaks to the terminal that started it")]

mod clock;
mod install;
mod proto;
mod suites;
mod tidy;
mod ui;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND
  test [--install] [--gates] [SUITE..]  runs the suites that this machine can run, or those named;
                                        --install fetches what it lacks and counts a skip as a failure,
                                        --gates adds those that ask for more than tests: lint and fuzz
  tidy                                  the laws of the house that no compiler checks
  proto [--check]                       the query APIs' messages, made anew or only compared
  ui [--check]                          the web UI, checked, tested and built into ui/dist, or only compared
  shots                                 the pictures of the UI's pages that the suite ui compares with, made anew";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = repository();
    match arguments.first().map(String::as_str) {
        Some("test") => suites::command(&root, &arguments[1..]),
        Some("tidy") => tidy::command(&root, &suites::names()),
        Some("proto") => match proto::run(&root, arguments.get(1).is_some_and(|flag| flag == "--check")) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        },
        Some("ui") => match ui::run(&root, arguments.get(1).is_some_and(|flag| flag == "--check")) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        },
        Some("shots") => suites::shots(&root),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Returns the root of the repository: the folder above this package.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the repository").to_path_buf()
}
