//! Lets glibc give memory back.
//!
//! Its allocator maps large blocks by themselves and unmaps them when they are freed; but each such block that is freed
//! raises the size from which it does so, up to 32 MiB. From then on the buffers of heads and segments, which come and
//! go by megabytes, lie in its heaps, and those shrink from their ends alone: a server that took ten million spans
//! rested with 240 MiB, of which it used a tenth. The size can be fixed, but only before `main` (later it takes a
//! call into C), so the server starts itself once more, as the same process, with one more word in its environment.
//!
//! Whoever sets a word of glibc's own, or links another C library, is left alone. A start that fails changes nothing.

/// Tells that the process was started once more: glibc hides its own words from programs with capabilities.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MARK: &str = "_TRACEWELL_STARTED";

/// What glibc reads: blocks from 1 MiB on are mapped, and a heap may end in 4 MiB of nothing.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const TUNABLES: &str = "glibc.malloc.mmap_threshold=1048576:glibc.malloc.trim_threshold=4194304";

/// Starts this process once more, unless that is done or not wanted.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn give_back() {
    use std::os::unix::process::CommandExt as _;

    let is_chosen = |name: &std::ffi::OsString| {
        let name = name.to_string_lossy();
        name == MARK || name == "GLIBC_TUNABLES" || name.starts_with("MALLOC_")
    };
    if std::env::vars_os().any(|(name, _)| is_chosen(&name)) {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    // A file that is gone cannot be started, and a loader that was called by name would take our words for its own.
    let is_loader = program.file_name().is_some_and(|name| {
        let name = name.as_encoded_bytes();
        name.starts_with(b"ld-") || name.starts_with(b"ld.so")
    });
    if is_loader || !program.is_file() {
        return;
    }
    let mut arguments = std::env::args_os();
    let Some(name) = arguments.next() else { return };
    let mut again = std::process::Command::new(program);
    again.arg0(name).args(arguments).env(MARK, "1").env("GLIBC_TUNABLES", TUNABLES);
    // It only returns where it failed, and then the server goes on as it is; but SIGPIPE would end it from now on,
    // which `serve` sees to.
    let _ = again.exec();
}

/// Other allocators have ways of their own.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back() {}
