//! The programs below `clients/`, and the packages that they need.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A folder of `clients/` whose packages lie in `.cache/` under the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    PythonOld,
    PythonWeb,
    PythonCurrent,
    NodeOld,
    NodeCurrent,
    Go,
    Java,
}

impl Set {
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::PythonOld => "python-old",
            Self::PythonWeb => "python-web",
            Self::PythonCurrent => "python-current",
            Self::NodeOld => "node-old",
            Self::NodeCurrent => "node-current",
            Self::Go => "go",
            Self::Java => "java",
        }
    }

    /// Makes the command that runs `program` of this set, or says why it cannot and gives `None`.
    pub(crate) fn command(self, program: &str) -> Option<Command> {
        let packages = cached(self.folder())?;
        let source = repository().join("clients").join(self.folder()).join(program);
        let mut command = match self {
            Self::PythonOld | Self::PythonWeb | Self::PythonCurrent => {
                let mut command = Command::new(packages.join("bin/python"));
                // Deprecations of the pinned packages are what these sets are about.
                command.args(["-W", "ignore"]).arg(source).env("PYTHONPATH", repository().join("clients"));
                command.env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
            Self::NodeOld | Self::NodeCurrent => {
                let mut command = Command::new("node");
                command.arg(source).env("NODE_PATH", packages.join("node_modules"));
                command
            }
            Self::Go => Command::new(packages.join("bin").join(program)),
            Self::Java => {
                let mut command = Command::new("java");
                command.args(["-XX:TieredStopAtLevel=1", "-cp"]).arg(packages.join("lib/*")).arg(source);
                command
            }
        };
        // What the machine says about exporters and proxies must not reach the client.
        command.env_remove("OTEL_EXPORTER_OTLP_ENDPOINT").env("no_proxy", "127.0.0.1,localhost");
        command.stdin(Stdio::null());
        Some(command)
    }
}

/// Returns the folder of an installed set; says that it is missing, or fails where nothing may be.
pub(crate) fn cached(set: &str) -> Option<PathBuf> {
    let folder = repository().join(".cache").join(set);
    if folder.join(".stamp").is_file() {
        return Some(folder);
    }
    skipped(&format!("{set}: not installed (cargo xtask test --install clients)"))
}

/// Says why a test does not run; fails it where every test must.
pub(crate) fn skipped<T>(why: &str) -> Option<T> {
    assert!(std::env::var_os("TRACEWELL_REQUIRE_ALL").is_none(), "everything must run here, but {why}");
    println!("skipped: {why}");
    None
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the crate lies in the repository")
}

/// Runs a program to its end and returns the line of JSON that it printed.
pub(crate) fn line_of(mut command: Command) -> Value {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} ended with {}\n{out}\n{err}", output.status);
    let line = out.lines().find(|line| line.starts_with('{'));
    let line = line.unwrap_or_else(|| panic!("{command:?} said nothing of what it sent\n{out}\n{err}"));
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))
}

/// Another process of the test; killed with its children when dropped.
pub(crate) struct Background {
    child: Child,
}

impl Background {
    pub(crate) fn start(mut command: Command) -> Self {
        use std::os::unix::process::CommandExt;
        let child = command.process_group(0).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child }
    }

    /// Asks the process to end, as its supervisor would.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM", &self.child.id().to_string());
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    fn signal(&self, signal: &str, to: &str) {
        // One that has already ended cannot be signalled, and need not be.
        let _ = Command::new("kill").args([signal, "--", to]).stderr(Stdio::null()).status();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.signal("-KILL", &format!("-{}", self.child.id()));
        let _ = self.child.wait();
    }
}
