//! How far a long command is: a bar on standard error, where that is a terminal.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Returns a bar that counts spans; where nobody knows how many there will be, it only counts.
pub(crate) fn of_spans(total: Option<u64>) -> ProgressBar {
    draw(
        total,
        match total {
            Some(_) => "{bar:32.cyan/blue} {percent:>3}%  {human_pos} spans  {per_sec}  {elapsed}  {msg}",
            None => "{spinner} {human_pos} spans  {per_sec}  {elapsed}  {msg}",
        },
    )
}

/// Returns a bar that counts the bytes of a file.
pub(crate) fn of_bytes(total: Option<u64>) -> ProgressBar {
    draw(
        total,
        match total {
            Some(_) => "{bar:32.cyan/blue} {percent:>3}%  {bytes}  {bytes_per_sec}  {elapsed}  {msg}",
            None => "{spinner} {bytes}  {bytes_per_sec}  {elapsed}  {msg}",
        },
    )
}

fn draw(total: Option<u64>, template: &str) -> ProgressBar {
    let target = match std::io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(total, target);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
