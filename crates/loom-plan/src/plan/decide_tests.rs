//! The table, exhaustively: every combination has one row, and every action converges.

use super::decide::*;
use crate::addr::ContentHash;
use crate::project::{OnDrift, Own};
use crate::provider::{Mode, Nature};
use crate::snapshot::{Content, Observed};

fn content(name: u8) -> Content {
    Content { hash: ContentHash::of(&[name]), mode: Mode::Plain }
}

fn policies() -> Vec<Policy> {
    let mut all = Vec::new();
    for own in [Own::File, Own::Once, Own::Block, Own::Keys] {
        for retain in [Retain::No, Retain::Yes] {
            for nature in [Nature::Plain, Nature::Stateful, Nature::Migration] {
                for on_drift in [OnDrift::Conflict, OnDrift::Restore, OnDrift::Merge, OnDrift::Keep] {
                    for insistence in [Insistence::None, Insistence::Restore] {
                        for adoption in [Adoption::Refused, Adoption::Wanted] {
                            for removal in [Removal::Unsaid, Removal::Delete, Removal::Keep] {
                                for loss in [Loss::None, Loss::Unnamed] {
                                    all.push(Policy { own, retain, nature, on_drift, insistence, adoption, removal, loss });
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    all
}

/// Four contents are enough for every pattern of equality among n, x, r and w.
fn worlds() -> Vec<(Option<Content>, Observed, Option<Recorded>)> {
    let some = || (0..4).map(content);
    let mut all = Vec::new();
    for n in std::iter::once(None).chain(some().map(Some)) {
        for x in [Observed::Absent, Observed::Foreign("a symbolic link".to_owned())].into_iter().chain(some().map(Observed::File))
        {
            all.push((n, x.clone(), None));
            for rendered in some() {
                for written in some() {
                    for claim in [Claim::Same, Claim::Other] {
                        all.push((n, x.clone(), Some(Recorded { rendered, written, claim })));
                    }
                }
            }
        }
    }
    all
}

/// The rows of `engine.md`, section 2, each a predicate and what it decides: written down once
/// more, independently of the `match`, in the words of the table.
#[expect(clippy::too_many_lines, clippy::many_single_char_names, reason = "a flat list of the table's rows, in its letters")]
fn rows(p: Policy, n: Option<Content>, x: &Observed, recorded: Option<Recorded>) -> Vec<(&'static str, Decision)> {
    use Decision::{Adopt, Conflict as Refuse, Create, Delete, Forget, Keep, Nothing, Update};
    let file = match x {
        Observed::File(content) => Some(*content),
        Observed::Absent | Observed::Foreign(_) => None,
    };
    let (r, w) = (recorded.map(|it| it.rendered), recorded.map(|it| it.written));
    let absent = *x == Observed::Absent;
    let foreign = matches!(x, Observed::Foreign(_));
    let once = p.own == Own::Once;
    let leaves = p.retain == Retain::Yes || once || p.removal == Removal::Keep;
    let frozen = p.nature == Nature::Migration && n != r;
    let caught_up = r == n && w == n && recorded.is_some_and(|it| it.claim == Claim::Same);
    let by_policy = match p.on_drift {
        OnDrift::Conflict => Refuse(Conflict::Edited),
        OnDrift::Restore => Update(Updating::Restored),
        OnDrift::Merge => Refuse(Conflict::Merge),
        OnDrift::Keep => Keep,
    };
    let stateful = p.nature != Nature::Plain;
    let mut rows = Vec::new();
    let mut row = |name, holds: bool, decision| {
        if holds {
            rows.push((name, decision));
        }
    };
    row("none none none", n.is_none() && absent && recorded.is_none(), Nothing);
    row("none none any", n.is_none() && absent && recorded.is_some(), Forget(Forgetting::Gone));
    row("none x none", n.is_none() && file.is_some() && recorded.is_none(), Nothing);
    let orphan = n.is_none() && file.is_some() && recorded.is_some() && file == w && w == r;
    row("none x=w=r left", orphan && leaves, Forget(Forgetting::LeftAlone));
    row("none x=w=r stateful", orphan && !leaves && stateful && p.removal == Removal::Unsaid, Refuse(Conflict::Stateful));
    row("none x=w=r", orphan && !leaves && !(stateful && p.removal == Removal::Unsaid), Delete);
    let edited_orphan = n.is_none() && file.is_some() && recorded.is_some() && !(file == w && w == r);
    let forced = p.removal == Removal::Delete && p.on_drift == OnDrift::Restore;
    row("none x otherwise, left", edited_orphan && leaves, Forget(Forgetting::LeftAlone));
    row("none x otherwise, forced", edited_orphan && !leaves && forced, Delete);
    row("none x otherwise", edited_orphan && !leaves && !forced, Refuse(Conflict::DeletedButEdited));
    row("n none none", n.is_some() && absent && recorded.is_none(), Create(Creation::New));
    let vanished = n.is_some() && absent && recorded.is_some();
    row("n none (r,w) once", vanished && once, Nothing);
    row("n none (r,w) migration", vanished && !once && frozen, Refuse(Conflict::Migration));
    row("n none (r,w)", vanished && !once && !frozen, Create(Creation::Vanished));
    let equal = n.is_some() && file == n;
    row("n x=n migration", equal && recorded.is_some() && frozen, Refuse(Conflict::Migration));
    row("n x=n caught up", equal && caught_up, Nothing);
    row("n x=n", equal && !caught_up && !(recorded.is_some() && frozen), Adopt(Adopting::Equal));
    let known = n.is_some() && file.is_some() && file != n && recorded.is_some();
    let as_left = known && file == w && n == r;
    row("n x=w n=r insisted", as_left && p.insistence == Insistence::Restore && !once, Update(Updating::Restored));
    row("n x=w n=r", as_left && (p.insistence == Insistence::None || once), Nothing);
    let changed = known && file == w && w == r && n != r;
    row("n x=w=r once", changed && once, Nothing);
    row("n x=w=r migration", changed && !once && frozen, Refuse(Conflict::Migration));
    row("n x=w=r loses", changed && !once && !frozen && p.loss == Loss::Unnamed, Refuse(Conflict::Component));
    row("n x=w=r", changed && !once && !frozen && p.loss == Loss::None, Update(Updating::Changed));
    let kept = known && file == w && w != r && n != r;
    row("n x=w!=r once", kept && once, Nothing);
    row("n x=w!=r migration", kept && !once && frozen, Refuse(Conflict::Migration));
    row("n x=w!=r", kept && !once && !frozen, by_policy);
    let edited = known && file != w;
    row("n x!=w once", edited && once, Nothing);
    row("n x!=w migration", edited && !once && frozen, Refuse(Conflict::Migration));
    row("n x!=w", edited && !once && !frozen, by_policy);
    let stranger = n.is_some() && file.is_some() && file != n && recorded.is_none();
    let takes = p.adoption == Adoption::Wanted || once;
    row("n x!=n none, taken", stranger && takes, Adopt(Adopting::AsItIs));
    row("n x!=n none", stranger && !takes, Refuse(Conflict::NotOurs));
    row("foreign, nothing to us", foreign && n.is_none() && recorded.is_none(), Nothing);
    row("foreign, desired once", foreign && n.is_some() && once, Nothing);
    row("foreign, desired", foreign && n.is_some() && !once, Refuse(Conflict::Foreign));
    row("foreign, left", foreign && n.is_none() && recorded.is_some() && leaves, Forget(Forgetting::LeftAlone));
    row("foreign, recorded", foreign && n.is_none() && recorded.is_some() && !leaves, Refuse(Conflict::Foreign));
    rows
}

#[test]
fn every_combination_has_exactly_one_row_and_the_function_follows_it() {
    let mut seen = std::collections::BTreeSet::new();
    for policy in policies() {
        for (n, x, recorded) in worlds() {
            let rows = rows(policy, n, &x, recorded);
            assert_eq!(rows.len(), 1, "{policy:?} {n:?} {x:?} {recorded:?}: {rows:?}");
            assert_eq!(decide(policy, n, &x, recorded), rows[0].1, "{}: {policy:?} {n:?} {x:?} {recorded:?}", rows[0].0);
            seen.insert(rows[0].0);
        }
    }
    assert_eq!(seen.len(), 35, "every row is reached: {seen:?}");
}

/// What stands on the disk once a decision was carried out.
fn disk_after(decision: Decision, n: Option<Content>, x: &Observed) -> Observed {
    match (decision, n) {
        (Decision::Create(_) | Decision::Update(_), Some(n)) => Observed::File(n),
        (Decision::Delete, _) => Observed::Absent,
        _ => x.clone(),
    }
}

#[test]
fn deciding_again_after_an_action_gives_nothing() {
    for policy in policies() {
        for (n, x, recorded) in worlds() {
            let decision = decide(policy, n, &x, recorded);
            if matches!(decision, Decision::Conflict(_)) {
                continue;
            }
            let disk = disk_after(decision, n, &x);
            let ledger = recorded_after(decision, n, &x, recorded);
            // what was put back by name, or taken over by name, is not asked for again
            let after = Policy { insistence: Insistence::None, ..policy };
            assert_eq!(decide(after, n, &disk, ledger), Decision::Nothing, "{policy:?} {n:?} {x:?} {recorded:?}: {decision:?}");
        }
    }
}

mod histories {
    use super::*;
    use proptest::prelude::*;

    /// One step of a history: somebody edits, removes or declares, then loom plans and applies.
    #[derive(Clone, Debug)]
    enum Step {
        Edit(u8),
        Remove,
        Declare(Option<u8>),
        Apply,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (100_u8..104).prop_map(Step::Edit),
            Just(Step::Remove),
            proptest::option::of(0_u8..3).prop_map(Step::Declare),
            Just(Step::Apply),
        ]
    }

    proptest! {
        /// Bytes above 100 are a person's; loom renders only bytes below. Without `restore` an
        /// apply never makes a person's bytes disappear.
        #[test]
        fn no_history_without_restore_loses_bytes_that_loom_did_not_write(
            steps in proptest::collection::vec(step(), 1..12), which in 0_usize..10_000,
        ) {
            let all: Vec<Policy> = policies().into_iter().filter(|p| p.on_drift != OnDrift::Restore && p.insistence == Insistence::None).collect();
            let policy = all[which % all.len()];
            let (mut n, mut disk, mut ledger, mut persons) = (None, Observed::Absent, None, false);
            for step in steps {
                match step {
                    Step::Edit(byte) => (disk, persons) = (Observed::File(content(byte)), true),
                    Step::Remove => (disk, persons) = (Observed::Absent, false),
                    Step::Declare(declared) => n = declared.map(content),
                    Step::Apply => {
                        let decision = decide(policy, n, &disk, ledger);
                        let after = disk_after(decision, n, &disk);
                        prop_assert!(!persons || after == disk, "{decision:?} lost a person's bytes");
                        ledger = recorded_after(decision, n, &disk, ledger);
                        disk = after;
                    }
                }
            }
        }
    }
}
