//! What a bare machine lacks: pinned packages and tools, fetched into `.cache/` of the repository.
//!
//! A [`Set`] is installed by one small script into its own folder and stamped with everything that
//! decides its content, so a second run finds the stamp and does nothing. Sets of one lane follow
//! each other (two `apt-get` would wait for one lock), lanes run beside each other and beside the
//! build: most of the time they wait for the network. Whoever needs a set waits for that set alone.

mod recipes;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

pub(crate) use recipes::Set;
use recipes::{Lane, Recipe};

/// Installs that are under way.
pub(crate) struct Installs {
    started: Vec<Set>,
    done: Arc<Done>,
}

#[derive(Default)]
struct Done {
    /// Why each finished set failed, or `None`. Held for a look or an insert only.
    results: Mutex<BTreeMap<Set, Option<String>>>,
    /// Signalled after each insert.
    changed: Condvar,
}

impl Installs {
    /// Starts installing `sets`, each once, and returns at once.
    pub(crate) fn start(root: &Path, sets: &[Set]) -> Self {
        let done = Arc::new(Done::default());
        let mut lanes: BTreeMap<Lane, Vec<Set>> = BTreeMap::new();
        for set in sets {
            let lane = lanes.entry(set.recipe().lane).or_default();
            if !lane.contains(set) {
                lane.push(*set);
            }
        }
        for (_, sets) in lanes {
            let (root, done) = (root.to_path_buf(), Arc::clone(&done));
            thread::spawn(move || {
                for set in sets {
                    done.insert(set, install(&root, set).err());
                }
            });
        }
        Self { started: sets.to_vec(), done }
    }

    /// Waits until `set` is there. A set that was never started is not waited for.
    pub(crate) fn wait_for(&self, set: Set) -> Result<(), String> {
        if !self.started.contains(&set) {
            return Ok(());
        }
        let results = self.done.results.lock().expect("no lane panics while it holds the results");
        let results = self
            .done
            .changed
            .wait_while(results, |results| !results.contains_key(&set))
            .expect("no lane panics while it holds the results");
        results[&set].clone().map_or(Ok(()), Err)
    }
}

impl Done {
    fn insert(&self, set: Set, failure: Option<String>) {
        self.results.lock().expect("no lane panics while it holds the results").insert(set, failure);
        self.changed.notify_all();
    }
}

/// Returns the program that `set` brings, if it is there.
pub(crate) fn tool(root: &Path, set: Set) -> Option<PathBuf> {
    let tool = set.recipe().tool;
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let cached = root.join(".cache").join(set.name()).join("bin");
    std::iter::once(cached)
        .chain(std::env::split_paths(&folders))
        .map(|folder| folder.join(tool))
        .find(|path| path.is_file())
}

/// Installs one set unless its stamp says that it is there.
fn install(root: &Path, set: Set) -> Result<(), String> {
    let recipe = set.recipe();
    let folder = root.join(".cache").join(set.name());
    let stamp = stamp(root, set, &recipe)?;
    let stamp_path = folder.join(".stamp");
    if fs::read_to_string(&stamp_path).is_ok_and(|found| found == stamp) {
        return Ok(());
    }
    let say = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(say)?;
    }
    fs::create_dir_all(&folder).map_err(say)?;
    let log_path = folder.join("install.log");
    let log = fs::File::create(&log_path).map_err(say)?;
    let status = Command::new("bash")
        .args(["-euxc", recipe.script])
        .current_dir(root)
        .env("OUT", &folder)
        .env("PINS", root.join("clients").join(set.name()))
        .env_remove("CARGO_TARGET_DIR")
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(say)?)
        .stderr(log)
        .status()
        .map_err(say)?;
    if !status.success() {
        let log = fs::read_to_string(&log_path).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(15).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        return Err(format!("{} was not installed:\n{}", set.name(), tail.join("\n")));
    }
    fs::write(&stamp_path, stamp).map_err(say)
}

/// Everything that decides what a set contains: its script and its pins.
fn stamp(root: &Path, set: Set, recipe: &Recipe) -> Result<String, String> {
    let mut stamp = recipe.script.to_owned();
    for pin in recipe.pins {
        let path = root.join("clients").join(set.name()).join(pin);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        stamp.push('\n');
        stamp.push_str(&text);
    }
    Ok(stamp)
}
