//! An image as a folder, and a container as a process with that root and a network of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::recipe::{Recipe, root};

#[path = "../clients/patience.rs"]
#[expect(dead_code, reason = "no test here waits for a broker")]
mod patience;

/// Everything that the container file copies into the image, and nothing else.
pub(crate) struct Image(tempfile::TempDir);

/// A running container. Dropping it ends it.
pub(crate) struct Container {
    image: Image,
    process: Child,
    user: String,
    environment: Vec<(String, String)>,
    log: PathBuf,
}

impl Image {
    /// Builds as the file says, and makes the folder that the last stage would be.
    pub(crate) fn build(recipe: &Recipe) -> Self {
        let target = root().join("target/container");
        let arguments = recipe.cargo.iter().filter(|word| *word != "--release");
        let mut cargo = Command::new(env!("CARGO"));
        let built = cargo
            .args(arguments)
            .args(["--quiet", "--target-dir"])
            .arg(&target)
            .env("RUSTFLAGS", &recipe.rust_flags)
            .current_dir(root())
            .status()
            .expect("cargo runs this test");
        assert!(built.success(), "the container's build fails");
        let triple = recipe.cargo.iter().skip_while(|word| *word != "--target").nth(1).expect("a target");
        let folder = tempfile::tempdir().expect("a place for the image");
        fs::copy(target.join(triple).join("debug/tracewell"), folder.path().join("tracewell"))
            .expect("it was built");
        fs::create_dir(folder.path().join("data")).expect("the folder is ours");
        let owned = Command::new("chown").args(["-R", &recipe.user]).arg(folder.path()).status();
        assert!(owned.expect("chown is everywhere").success());
        Self(folder)
    }
}

impl Container {
    /// Starts the entry point with a command behind it, and waits until it is ready.
    pub(crate) fn start(image: Image, recipe: &Recipe, command: &[String]) -> Self {
        let log = tempfile::NamedTempFile::new().expect("a file for the log");
        let (log, path) = log.keep().expect("the file stays");
        let script = "ip link set lo up && exec chroot --userspec \"$0\" \"$@\"";
        let mut process = Command::new("unshare");
        process.args(["--net", "sh", "-c", script, &recipe.user]).arg(image.0.path());
        process.args(&recipe.entry_point).args(command).env_clear();
        process.envs(recipe.environment.iter().cloned()).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        process.stdin(Stdio::null()).stdout(log.try_clone().expect("one file, two streams")).stderr(log);
        let process = process.spawn().expect("unshare is everywhere");
        let (user, environment) = (recipe.user.clone(), recipe.environment.clone());
        let mut container = Self { image, process, user, environment, log: path };
        patience::until("the container is ready", || {
            let ended = container.process.try_wait().expect("it is our child");
            assert!(ended.is_none(), "the container ended:\n{}", container.said());
            container.said().contains("\nready\n").then_some(())
        });
        container
    }

    /// Runs the health check, inside.
    pub(crate) fn is_healthy(&self, recipe: &Recipe) -> bool {
        self.inside(&recipe.health_check).status().expect("nsenter is everywhere").success()
    }

    /// Runs a command of the program inside and returns what it prints.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let mut words = vec!["/tracewell".to_owned()];
        words.extend(arguments.iter().map(|word| (*word).to_owned()));
        let output = self.inside(&words).output().expect("nsenter is everywhere");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}\n{}", self.said());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Ends it as an engine would, and gives the image back with what was written into it.
    pub(crate) fn stop(mut self) -> Image {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.expect("kill is everywhere").success());
        let ended = self.process.wait().expect("it is our child");
        assert!(ended.success(), "it stopped badly:\n{}", self.said());
        let empty = Image(tempfile::tempdir().expect("a place for nothing"));
        std::mem::replace(&mut self.image, empty)
    }

    /// Returns everything that it printed so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn inside(&self, words: &[String]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--net", "--target", &self.process.id().to_string()]);
        command.args(["chroot", "--userspec", &self.user]).arg(self.image.0.path()).args(words);
        command.env_clear().envs(self.environment.iter().cloned());
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // One that was stopped is as gone as it should be.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.log);
    }
}
