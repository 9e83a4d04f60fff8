//! What `Containerfile` and `compose.yaml` say.

use std::fs;
use std::path::{Path, PathBuf};

/// The instructions of the container file that matter to a running container.
pub(crate) struct Recipe {
    /// The flags that the build sets for the compiler.
    pub(crate) rust_flags: String,
    /// The arguments of `cargo`.
    pub(crate) cargo: Vec<String>,
    /// Names and values of the image.
    pub(crate) environment: Vec<(String, String)>,
    /// User and group.
    pub(crate) user: String,
    pub(crate) entry_point: Vec<String>,
    pub(crate) health_check: Vec<String>,
    /// As `6831/udp`; connections have the port alone.
    pub(crate) ports: Vec<String>,
}

/// The one service of the composition.
pub(crate) struct Composition {
    pub(crate) command: Vec<String>,
    pub(crate) ports: Vec<String>,
    /// The alias under which others know it.
    pub(crate) network: Option<String>,
    pub(crate) volume: Option<String>,
}

/// Returns the root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("a crate lies two folders deep").into()
}

impl Recipe {
    pub(crate) fn read() -> Self {
        let text = fs::read_to_string(root().join("Containerfile")).expect("it is committed");
        let text = text.replace("\\\n", " ");
        let (build, image) = text.split_once("\nFROM scratch").expect("the image begins from nothing");
        let rust_flags = value_of(build, "RUSTFLAGS");
        let run = all(build, "RUN ").concat();
        let cargo = run.split("&&").find_map(|command| command.trim().strip_prefix("cargo "));
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let environment = words(&all(image, "ENV ").join(" "));
        let pair =
            |word: &String| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (_, health_check) = text.split_once(" CMD ").expect("there is a health check");
        let user = all(image, "USER ").concat();
        Self {
            rust_flags,
            cargo: words(cargo.expect("the file runs cargo")),
            environment: environment.iter().map(|word| pair(word).expect("NAME=value")).collect(),
            user: if user.contains(':') { user } else { format!("{user}:{user}") },
            entry_point: list(&all(image, "ENTRYPOINT ").concat()),
            health_check: list(health_check.lines().next().unwrap_or_default()),
            ports: words(&all(image, "EXPOSE ").join(" ")),
        }
    }
}

impl Composition {
    pub(crate) fn read() -> Self {
        let text = fs::read_to_string(root().join("compose.yaml")).expect("it is committed");
        let after =
            |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key).map(str::to_owned));
        let items = |key: &str| -> Vec<String> {
            let lines = text.lines().skip_while(|line| line.trim() != key).skip(1);
            let lines = lines.map_while(|line| line.trim().strip_prefix("- "));
            lines
                .map(|item| item.split('#').next().unwrap_or_default().trim().trim_matches('"').to_owned())
                .collect()
        };
        let port = |item: &String| item.split_once(':').map(|(_, inside)| inside.to_owned());
        Self {
            command: list(&after("command:").expect("a command")),
            ports: items("ports:").iter().filter_map(port).collect(),
            network: items("aliases:").into_iter().next(),
            volume: items("volumes:").into_iter().next(),
        }
    }
}

/// Returns what follows an instruction, wherever it stands.
fn all<'a>(text: &'a str, instruction: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(instruction)).map(str::trim).collect()
}

fn value_of(text: &str, name: &str) -> String {
    let (_, rest) = text.split_once(&format!("ENV {name}=\"")).expect("the build sets it");
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// Reads `["a", "b"]`.
fn list(text: &str) -> Vec<String> {
    serde_json::from_str(text.trim()).expect("a list of words")
}
