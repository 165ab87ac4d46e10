//! Single values of the command line: what was typed becomes what it means, or a sentence that says
//! what may be typed. Deliberately not here: which option takes which.

use std::time::Duration;

use globset::{Glob, GlobBuilder};
use loom_plan::addr::ContentHash;
use loom_plan::diag::one_of;
use loom_plan::project::OnDrift;
use loom_plan::shape::milliseconds;

use super::Expected;
use crate::report::markdown;

/// A duration such as `30s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed = milliseconds(text).map(Duration::from_millis);
    parsed
        .ok_or_else(|| "a duration is a number and a unit, such as 500ms, 30s, 5m or 1h".to_owned())
}

/// How many characters a report may have.
pub(super) fn budget(text: &str) -> Result<usize, String> {
    let parsed = text
        .parse()
        .ok()
        .filter(|characters| *characters >= markdown::LEAST);
    parsed.ok_or_else(|| format!("it is a number of characters, {} at least", markdown::LEAST))
}

/// A glob in which `*` stays in its directory.
pub(super) fn glob(text: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(text).literal_separator(true).build()
}

/// What happens to edited files.
pub(super) fn on_drift(text: &str) -> Result<OnDrift, String> {
    OnDrift::parse(text)
        .ok_or_else(|| format!("it may be {}", one_of(OnDrift::WORDS.iter().copied())))
}

/// Only a digest has 64 hexadecimal digits; anything else is a file.
#[expect(clippy::unnecessary_wraps, reason = "the form that clap calls")]
pub(super) fn expected(text: &str) -> Result<Expected, String> {
    Ok(ContentHash::parse(text).map_or_else(|_| Expected::File(text.into()), Expected::Digest))
}
