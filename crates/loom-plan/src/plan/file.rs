//! A saved plan: JSON Lines, complete in itself and sealed.
//!
//! In: a plan with the bytes of its actions. Out: text, and back. The first line is the head
//! (`loom`, `format`, `digest`, `arguments`), then one action a line with what stood there and what
//! will, then the seal (`actions`, `digest`, `blake3` of everything before it). A file that is
//! truncated, edited or of a newer format is refused, never applied in part.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::{Action, Conflicting, Plan, Report};
use crate::addr::ContentHash;
use crate::diag::{Code, Diagnostic};

/// The newest format that this loom reads and the one that it writes.
pub const FORMAT: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    loom: String,
    format: u32,
    digest: ContentHash,
    arguments: Vec<String>,
    skipped: Vec<Conflicting>,
    report: Report,
}

/// One action and its bytes, which are text in every format that loom writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedAction {
    /// What is done.
    #[serde(flatten)]
    pub action: Action,
    /// What stood there; `None` where nothing did, or where it is not text.
    pub old: Option<String>,
    /// What will stand there; `None` where nothing will.
    pub new: Option<String>,
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Seal {
    actions: usize,
    digest: ContentHash,
    blake3: ContentHash,
}

/// A plan that was saved.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedPlan {
    /// The plan, without the ledger's part of it.
    pub plan: Plan,
    /// The choices of the run that made it, as they would be typed.
    pub arguments: Vec<String>,
    /// The bytes of its actions, in order.
    pub contents: Vec<(Option<String>, Option<String>)>,
}

/// What stood at an action's path, and what will.
pub type Bytes<'a> = dyn Fn(&Action) -> (Option<Vec<u8>>, Option<Vec<u8>>) + 'a;

/// Writes a plan. `bytes` gives what stood at an action's path, and what will.
///
/// # Errors
/// Those of `out`.
pub fn write(
    plan: &Plan,
    arguments: Vec<String>,
    bytes: &Bytes<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut sealed = Sealing {
        hasher: Vec::new(),
        out,
    };
    let head = Head {
        loom: "plan".to_owned(),
        format: FORMAT,
        digest: plan.digest,
        arguments,
        skipped: plan.skipped.clone(),
        report: plan.report.clone(),
    };
    sealed.line(&head)?;
    for action in &plan.actions {
        let (old, new) = bytes(action);
        let text = |bytes: Option<Vec<u8>>| bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        sealed.line(&SavedAction {
            action: action.clone(),
            old: text(old),
            new: text(new),
        })?;
    }
    let blake3 = ContentHash::of_parts(sealed.hasher.iter().map(|hash| &hash.as_bytes()[..]));
    let seal = Seal {
        actions: plan.actions.len(),
        digest: plan.digest,
        blake3,
    };
    sealed.line(&seal)
}

/// Lines on their way out, each hashed.
struct Sealing<'a> {
    hasher: Vec<ContentHash>,
    out: &'a mut dyn Write,
}

impl Sealing<'_> {
    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string(value).map_err(io::Error::other)?;
        self.hasher.push(ContentHash::of(text.as_bytes()));
        writeln!(self.out, "{text}")
    }
}

/// Reads a saved plan.
///
/// # Errors
/// A [`Code::SavedPlan`] that says what is wrong with the file.
pub fn read(name: &str, text: &str) -> Result<SavedPlan, Diagnostic> {
    let refuse = |why: &str| {
        Diagnostic::new(Code::SavedPlan, format!("{name} {why}"))
            .help("make the plan again: loom plan --out FILE")
    };
    let (body, last) = text
        .trim_end_matches('\n')
        .rsplit_once('\n')
        .ok_or_else(|| refuse("is not a saved plan"))?;
    let mut lines = body.split('\n');
    let first = lines.next().unwrap_or_default();
    let format = serde_json::from_str::<serde_json::Value>(first)
        .ok()
        .filter(|head| head["loom"] == "plan");
    match format.as_ref().and_then(|head| head["format"].as_u64()) {
        None => return Err(refuse("is not a saved plan")),
        Some(format) if format > u64::from(FORMAT) => {
            return Err(refuse(&format!(
                "has the format {format}, and this loom reads up to {FORMAT}"
            ))
            .help("use a newer loom"));
        }
        Some(_) => {}
    }
    let head: Head =
        serde_json::from_str(first).map_err(|_| refuse("has a head that cannot be read"))?;
    let seal: Seal =
        serde_json::from_str(last).map_err(|_| refuse("is truncated: its last line is missing"))?;
    let hashes: Vec<ContentHash> = body
        .split('\n')
        .map(|line| ContentHash::of(line.as_bytes()))
        .collect();
    if ContentHash::of_parts(hashes.iter().map(|hash| &hash.as_bytes()[..])) != seal.blake3
        || seal.digest != head.digest
    {
        return Err(refuse("was edited after it was saved"));
    }
    let mut actions = Vec::new();
    let mut contents = Vec::new();
    for line in lines {
        let saved: SavedAction =
            serde_json::from_str(line).map_err(|_| refuse("has an action that cannot be read"))?;
        actions.push(saved.action);
        contents.push((saved.old, saved.new));
    }
    if actions.len() != seal.actions {
        return Err(refuse("does not hold all of its actions"));
    }
    let plan = Plan {
        actions,
        digest: head.digest,
        skipped: head.skipped,
        gone: Vec::new(),
        report: head.report,
    };
    Ok(SavedPlan {
        plan,
        arguments: head.arguments,
        contents,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::{Address, RepoPath};
    use crate::plan::decide::{Creation, Decision};
    use crate::plan::{Cause, Expect, PartAction, Verb};
    use crate::provider::Mode;
    use crate::snapshot::{Content, Part};

    fn saved() -> String {
        let after = Content {
            hash: ContentHash::of(b"x\n"),
            mode: Mode::Plain,
        };
        let part = PartAction {
            address: Address::parse("file.x").expect("an address"),
            part: Part::Whole,
            removes: Vec::new(),
            left_to: None,
            was: None,
            decision: Decision::Create(Creation::New),
            before: None,
            after: Some(after),
            causes: vec![Cause::BuiltIn],
        };
        let action = Action {
            path: RepoPath::new("x").expect("a path"),
            verb: Verb::Create,
            expect: Expect::Absent,
            parts: vec![part],
        };
        let plan = Plan {
            actions: vec![action],
            digest: ContentHash::of(b"digest"),
            skipped: Vec::new(),
            gone: Vec::new(),
            report: Report::default(),
        };
        let mut out = Vec::new();
        let arguments = vec!["--target".to_owned(), "file.x".to_owned()];
        write(
            &plan,
            arguments,
            &|_| (None, Some(b"x\n".to_vec())),
            &mut out,
        )
        .expect("memory takes all");
        String::from_utf8(out).expect("JSON is text")
    }

    #[test]
    fn a_saved_plan_reads_back() {
        let text = saved();
        let read = read("plan.json", &text).expect("what was written is read");
        assert_eq!(read.contents, [(None, Some("x\n".to_owned()))]);
        assert_eq!(read.arguments, ["--target", "file.x"]);
        assert_eq!(read.plan.actions.len(), 1);
    }

    #[test]
    fn a_plan_that_was_truncated_edited_or_made_by_a_newer_loom_is_refused() {
        let text = saved();
        for length in 0..text.len() - 1 {
            assert!(read("p", &text[..length]).is_err(), "cut to {length} bytes");
        }
        let edited = text.replace("x\\n", "y\\n");
        assert_ne!(edited, text);
        assert!(read("p", &edited).is_err_and(|found| found.message.contains("edited")));
        let newer = text.replace("\"format\":1", "\"format\":2");
        assert!(read("p", &newer).is_err_and(|found| found.message.contains("format 2")));
    }
}
