//! A second loom, and Git, while a first one is at work.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::Outcome;
use crate::crash::Lab;
use crate::crash::disturb::changes;
use crate::crash::ended::Ended;
use crate::crash::oracle::{People, Tree, judge};
use crate::crash::report::{Ran, Report};
use crate::crash::scenario::{Loom, REPOSITORY, Scenario};
use crate::crash::strace::{self, Call, Fault, Injection};
use crate::process::{capture, git};
use crate::tree::at;

/// How long the first is held still.
const PAUSE: Duration = Duration::from_millis(1500);

/// What happens while the first one works.
#[derive(Clone, Copy, Debug)]
enum Second {
    /// Loom with these arguments, which must not wait.
    Refused(&'static [&'static str]),
    /// Loom that waits, while the first ends well.
    Waits,
    /// Loom that waits, while the first is killed.
    Inherits,
    /// Git, which must not capture a half state.
    Git,
}

const SECONDS: &[Second] = &[
    Second::Refused(&["apply", "--yes"]),
    Second::Refused(&["recover"]),
    Second::Refused(&["rollback", "--yes"]),
    Second::Waits,
    Second::Inherits,
    Second::Git,
];

pub(crate) fn run(lab: &Lab) -> Outcome<Report> {
    let scenario = Scenario::all(&lab.loom, lab.home())?;
    let points = changes(lab, &scenario)?;
    let exchange = points.iter().position(|call| {
        call.arguments.contains("\"updated.txt\"") && call.name.starts_with("rename")
    });
    let exchange = exchange.ok_or("apply does not exchange the updated file")?;
    let killed = points[exchange + 1..]
        .iter()
        .find(|call| call.name != points[exchange].name);
    let killed = killed
        .ok_or("apply changes nothing after the updated file")?
        .clone();
    let cases: Vec<_> = SECONDS
        .iter()
        .map(|second| (format!("{second:?}"), *second))
        .collect();
    lab.each("locks", &cases, |second, place| {
        one(
            &lab.loom,
            &scenario,
            *second,
            (&points[exchange], &killed),
            place,
        )
    })
}

fn one(
    loom: &Loom,
    scenario: &Scenario,
    second: Second,
    (wait, killed): (&Call, &Call),
    place: &Path,
) -> Outcome<Ran> {
    scenario.lay_out(place)?;
    let (wrong, waiting) = (RefCell::new(Vec::new()), RefCell::new(None));
    let mut injections: Vec<Injection> = vec![wait.with(Fault::Delay(PAUSE))];
    if matches!(second, Second::Inherits) {
        injections.push(killed.with(Fault::Kill));
    }
    let (first, _) = strace::inject_and_meanwhile(
        &loom.command(place, scenario.command),
        &injections,
        &strace::log_of(place),
        || {
            match second {
                Second::Refused(arguments) => wrong
                    .borrow_mut()
                    .extend(is_refused(loom, arguments, place)?),
                Second::Git => wrong.borrow_mut().extend(git_is_refused(place)?),
                Second::Waits | Second::Inherits => {
                    *waiting.borrow_mut() = Some(begin_waiting(loom, place)?);
                }
            }
            Ok(())
        },
    )?;
    let mut ended = first.ended;
    if let Some(child) = waiting.into_inner() {
        let output = child
            .wait_with_output()
            .map_err(|error| error.to_string())?;
        let end = Ended::of(&output);
        if end.code != Some(0) {
            wrong
                .borrow_mut()
                .push(format!("the loom that waited ended with {end}"));
        }
        ended = end;
    }
    let mut verdict = judge(scenario, loom, place, &ended, &People::default())?;
    if verdict.after != Tree::New {
        wrong
            .borrow_mut()
            .push("in the end the tree is not the new one".to_owned());
    }
    verdict.violations.extend(wrong.into_inner());
    Ok(Ran {
        fired: first.fired,
        ended,
        verdict,
    })
}

/// Loom must end with 6, and say who holds the lock.
fn is_refused(loom: &Loom, arguments: &[&str], place: &Path) -> Outcome<Option<String>> {
    let lock = place.join(REPOSITORY).join(".git/loom/lock");
    let holder = fs::read_to_string(&lock).map_err(at(&lock))?;
    let ended = loom.run(place, arguments)?;
    let fits =
        ended.code == Some(6) && !holder.trim().is_empty() && ended.err.contains(holder.trim());
    Ok((!fits).then(|| {
        format!(
            "while `{}` works, `loom {}` ended with {ended}",
            holder.trim(),
            arguments.join(" ")
        )
    }))
}

fn git_is_refused(place: &Path) -> Outcome<Option<String>> {
    let mut command = git(&place.join(REPOSITORY), &["add", "--all"]);
    let output = capture(&mut command)?;
    let fits =
        !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("index.lock");
    Ok((!fits).then(|| {
        format!(
            "in the middle of an apply, `git add --all` ended with {}",
            output.status
        )
    }))
}

fn begin_waiting(loom: &Loom, place: &Path) -> Outcome<Child> {
    let mut command = loom.command(place, &["apply", "--yes", "--lock-timeout", "1m"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
        .spawn()
        .map_err(|error| format!("loom cannot be started: {error}"))
}
