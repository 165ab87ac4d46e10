//! `loom recover`: what an interrupted run left goes back, or is finished.

use std::io::Write;

use loom_apply::Lock;

use super::{Desk, Failure, recovered_lines};
use crate::exit::Exit;

/// Takes the lock, which settles everything, and says what that was.
pub(crate) fn run(desk: &Desk<'_>, out: &mut dyn Write) -> Result<Exit, Failure> {
    let lock = Lock::take(&desk.root, desk.global.lock_timeout.unwrap_or_default())?;
    lock.recovered
        .iter()
        .try_for_each(|recovered| writeln!(out, "{}", recovered_lines(recovered)))?;
    if lock.recovered.is_empty() {
        writeln!(out, "There is nothing to recover.")?;
    }
    Ok(Exit::Done)
}
