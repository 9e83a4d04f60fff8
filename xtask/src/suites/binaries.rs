//! Test binaries of the workspace: built once, then run by the suite that they belong to.
//!
//! `cargo test` would build and run all of them in one go. Asked for its messages, cargo says what
//! it built, and the runner starts each binary where cargo would: in the folder of its package.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::tally::{self, Tally};
use super::{Run, SUITES, Suite};

/// A binary that runs longer hangs; it is stopped, so that the closing line comes in any case.
const SECONDS_MAX: &str = "1200";

pub(crate) struct Binaries {
    binaries: Vec<Binary>,
}

/// One test executable.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Binary {
    package: PathBuf,
    /// `span`, `clients`: the name of the library, binary or test file.
    target: String,
    executable: PathBuf,
}

impl Binary {
    fn label(&self) -> String {
        let package =
            self.package.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        if package.replace('-', "_") == self.target { package } else { format!("{package} {}", self.target) }
    }
}

/// Runs every test that belongs to no other suite, and the examples of the documentation.
pub(crate) fn unit(run: &Run, _: &Suite) -> Tally {
    let Some(binaries) = built(run) else { return Tally::FAIL };
    let mut tally = Tally::default();
    for binary in binaries.iter().filter(|binary| !SUITES.iter().any(|suite| suite.name == binary.target)) {
        let (result, lines) = run_binary(run, binary, &["--show-output"], Echo::Collect, &[]);
        println!("{:32} {result}", binary.label());
        for line in lines.iter().filter(|line| 0 < result.failed || tally::is_skip(line)) {
            println!("{line}");
        }
        tally += result;
    }
    tally += examples(run);
    tally
}

/// Runs the test targets that are called like the suite.
pub(crate) fn suite(run: &Run, suite: &Suite) -> Tally {
    suite_with(run, suite, &[])
}

/// Runs a suite that goes on for two minutes, however many seeds that makes.
pub(crate) fn seeds(run: &Run, suite: &Suite) -> Tally {
    suite_with(run, suite, &[("SIM_SECONDS", "120")])
}

fn suite_with(run: &Run, suite: &Suite, variables: &[(&str, &str)]) -> Tally {
    let Some(binaries) = built(run) else { return Tally::FAIL };
    let mut tally = Tally::default();
    let mut found = false;
    for binary in binaries.iter().filter(|binary| binary.target == suite.name) {
        found = true;
        tally += run_binary(run, binary, &["--nocapture"], Echo::Live, variables).0;
    }
    if !found {
        println!("skipped: {}: no test target is called so", suite.name);
        return Tally::SKIP;
    }
    tally
}

/// Builds all tests of the workspace, once.
fn built(run: &Run) -> Option<&[Binary]> {
    let built = run.binaries.get_or_init(|| build(&run.root));
    if built.is_none() {
        println!("failed: the tests do not build");
    }
    built.as_ref().map(|built| built.binaries.as_slice())
}

fn build(root: &Path) -> Option<Binaries> {
    let mut child = Command::new("cargo")
        .args([
            "test",
            "--workspace",
            "--all-features",
            "--no-run",
            "--message-format=json-render-diagnostics",
        ])
        .current_dir(root)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| println!("failed: cargo does not start: {error}"))
        .ok()?;
    let stdout = child.stdout.take().expect("it was asked for");
    let binaries: Vec<Binary> =
        BufReader::new(stdout).lines().map_while(Result::ok).filter_map(|line| of_message(&line)).collect();
    let status = child.wait().ok()?;
    status.success().then_some(Binaries { binaries })
}

/// Reads cargo's message about one artifact; `None` when it is no test executable.
fn of_message(line: &str) -> Option<Binary> {
    if !line.contains("\"reason\":\"compiler-artifact\"") {
        return None;
    }
    let (_, profile) = line.split_once("\"profile\":{")?;
    if !profile.split('}').next()?.contains("\"test\":true") {
        return None;
    }
    let (_, target) = line.split_once("\"target\":{")?;
    Some(Binary {
        package: Path::new(&text(line, "manifest_path")?).parent()?.to_path_buf(),
        target: text(target, "name")?,
        executable: PathBuf::from(text(line, "executable")?),
    })
}

/// Returns the first `"key":"text"`. Neither paths nor names of targets need JSON's escapes here.
fn text(json: &str, key: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!("\"{key}\":\""))?;
    rest.split('"').next().map(str::to_owned)
}

/// Whether lines are printed as they come, or returned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Echo {
    Live,
    Collect,
}

fn run_binary(
    run: &Run,
    binary: &Binary,
    arguments: &[&str],
    echo: Echo,
    variables: &[(&str, &str)],
) -> (Tally, Vec<String>) {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=10", SECONDS_MAX]).arg(&binary.executable);
    command.args(arguments).current_dir(&binary.package).env("CARGO_MANIFEST_DIR", &binary.package);
    command.envs(variables.iter().copied());
    // Suites skip what their machine lacks; unit tests lack nothing, and start servers that would take
    // the variable for a setting.
    if run.strict && echo == Echo::Live {
        command.env("TRACEWELL_REQUIRE_ALL", "1");
    }
    read_tally(command, echo, &binary.label())
}

fn examples(run: &Run) -> Tally {
    let mut command = Command::new("cargo");
    command.args(["test", "--workspace", "--all-features", "--doc", "--quiet"]).current_dir(&run.root);
    let (tally, lines) = read_tally(command, Echo::Collect, "examples");
    println!("{:32} {tally}", "examples");
    if 0 < tally.failed {
        println!("{}", lines.join("\n"));
    }
    tally
}

/// Runs a command that prints results as libtest does. One that fails without a failed test, as a
/// crash does, counts as one.
fn read_tally(mut command: Command, echo: Echo, label: &str) -> (Tally, Vec<String>) {
    let mut child = match command.stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("failed: {label} does not start: {error}");
            return (Tally::FAIL, vec![]);
        }
    };
    let stdout = child.stdout.take().expect("it was asked for");
    let (mut tally, mut lines) = (Tally::default(), Vec::new());
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        tally += Tally::of_line(&line);
        match echo {
            Echo::Live => println!("{line}"),
            Echo::Collect => lines.push(line),
        }
    }
    tally = tally.settled();
    let status = child.wait();
    let success = status.as_ref().is_ok_and(|status| status.success());
    if !success && tally.failed == 0 {
        println!("failed: {label} ended before it could say why: {status:?}");
        tally += Tally::FAIL;
    }
    (tally, lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_tests_name_their_executable() {
        let line = r#"{"reason":"compiler-artifact","package_id":"path+file:///r/crates/span#0.1.0","manifest_path":"/r/crates/span/Cargo.toml","target":{"kind":["test"],"crate_types":["bin"],"name":"faults","src_path":"/r/crates/span/tests/faults.rs","edition":"2024","test":true},"profile":{"opt_level":"0","debug_assertions":true,"test":true},"features":[],"filenames":["/t/faults-1"],"executable":"/t/faults-1","fresh":false}"#;
        let expected = Binary {
            package: "/r/crates/span".into(),
            target: "faults".into(),
            executable: "/t/faults-1".into(),
        };
        assert_eq!(of_message(line), Some(expected));
        assert_eq!(of_message(&line.replace("true,\"test\":true},\"f", "true,\"test\":false},\"f")), None);
        assert_eq!(of_message(&line.replace("\"executable\":\"/t/faults-1\"", "\"executable\":null")), None);
    }
}
