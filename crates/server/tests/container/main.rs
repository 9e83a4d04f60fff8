//! The container file, followed by hand: what it builds starts alone in an empty root, as nobody, and is
//! a whole server there.
//!
//! No container engine is asked, because none runs everywhere. Its parts are: a root directory that holds
//! nothing but what the file copies there, a network of its own, the file's user, environment, entry
//! point and health check, and the command of `compose.yaml`. The build is the file's, without
//! `--release`, which would change the minutes and not the result.

mod image;
mod recipe;

use std::process::Command;

use image::{Container, Image};
use recipe::{Composition, Recipe};

const TRACES: usize = 20;

#[test]
fn image_is_a_whole_server_in_an_empty_root() {
    let recipe = Recipe::read();
    let Some(container) = start(&recipe) else { return };
    assert!(container.is_healthy(&recipe), "the health check fails:\n{}", container.said());
    container.run(&["doctor"]);
    let requests = TRACES.to_string();
    container.run(&["generate", "--requests", &requests]);
    let found = container.run(&["search", "--since", "1h", "--limit", "100"]);
    let first = found.split_whitespace().next().expect("traces are found").to_owned();
    // The doctor has left its own, one for each listener.
    assert!(TRACES < found.lines().count(), "{found}");
    // The data directory is a volume: a new container finds what the old one kept.
    let image = container.stop();
    let container = Container::start(image, &recipe, &Composition::read().command);
    let trace = container.run(&["get", &first]);
    assert!(trace.contains(&first) && trace.contains("spans in"), "{trace}");
    container.stop();
}

#[test]
fn composition_opens_every_port_of_the_image() {
    let (recipe, composition) = (Recipe::read(), Composition::read());
    assert_eq!(recipe.ports.len(), 15);
    let sorted = |mut ports: Vec<String>| {
        ports.sort();
        ports
    };
    assert_eq!(sorted(composition.ports), sorted(recipe.ports));
    assert_eq!(composition.network.as_deref(), Some("jaeger"));
    assert!(composition.volume.is_some_and(|volume| volume.ends_with(":/data")));
}

/// Builds and starts; `None`, with the reason printed, where this user may not.
fn start(recipe: &Recipe) -> Option<Container> {
    let may = Command::new("unshare").args(["--net", "chroot", "/", "true"]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        let reason = "this user may make no network and no root of its own";
        assert!(std::env::var_os("TRACEWELL_REQUIRE_ALL").is_none(), "{reason}");
        eprintln!("skipped: container: {reason}");
        return None;
    }
    Some(Container::start(Image::build(recipe), recipe, &Composition::read().command))
}
