//! The table, exhaustively: every combination has one row, and every action converges.

use super::decide::*;
use crate::addr::ContentHash;
use crate::project::{OnDrift, Own};
use crate::provider::{Mode, Nature};
use crate::snapshot::{Content, Observed};

fn content(name: u8) -> Content {
    Content {
        hash: ContentHash::of(&[name]),
        mode: Mode::Plain,
    }
}

fn policies() -> Vec<Policy> {
    let mut all = Vec::new();
    for own in [Own::File, Own::Once, Own::Block, Own::Keys] {
        for retain in [Retain::No, Retain::Yes] {
            for nature in [Nature::Plain, Nature::Stateful, Nature::Migration] {
                for on_drift in [
                    OnDrift::Conflict,
                    OnDrift::Restore,
                    OnDrift::Merge,
                    OnDrift::Keep,
                ] {
                    for insistence in [Insistence::None, Insistence::Restore] {
                        for adoption in [Adoption::Refused, Adoption::Wanted] {
                            for removal in [Removal::Unsaid, Removal::Delete, Removal::Keep] {
                                for loss in [Loss::None, Loss::Unnamed] {
                                    for fresh in freshes(own) {
                                        all.extend(merges(on_drift).map(|merge| Policy {
                                            own,
                                            retain,
                                            nature,
                                            on_drift,
                                            insistence,
                                            adoption,
                                            removal,
                                            loss,
                                            merge,
                                            fresh,
                                        }));
                                    }
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

/// What may be there of keys that are not recorded.
fn freshes(own: Own) -> Vec<Fresh> {
    match own {
        Own::File | Own::Once | Own::Block => vec![Fresh::Agrees],
        Own::Keys => vec![Fresh::Agrees, Fresh::Lacks, Fresh::Differs],
    }
}

/// What merging may come to: a clash, any of the contents of [`worlds`], or one that nobody had.
fn merges(on_drift: OnDrift) -> impl Iterator<Item = Merge> {
    let clean = (0..5).map(|name| Merge::Clean(content(name)));
    let merged = clean.chain([Merge::NoBase]);
    std::iter::once(Merge::Clashes).chain(merged.filter(move |_| on_drift == OnDrift::Merge))
}

/// Four contents are enough for every pattern of equality among n, x, r and w.
fn worlds() -> Vec<(Option<Content>, Observed, Option<Recorded>)> {
    let some = || (0..4).map(content);
    let mut all = Vec::new();
    for n in std::iter::once(None).chain(some().map(Some)) {
        for x in [
            Observed::Absent,
            Observed::Foreign("a symbolic link".to_owned()),
            Observed::Damaged("no line ends it".to_owned()),
        ]
        .into_iter()
        .chain(some().map(Observed::File))
        {
            all.push((n, x.clone(), None));
            for rendered in some() {
                for written in some() {
                    for claim in [Claim::Same, Claim::Other] {
                        all.push((
                            n,
                            x.clone(),
                            Some(Recorded {
                                rendered,
                                written,
                                claim,
                            }),
                        ));
                    }
                }
            }
        }
    }
    all
}

/// The rows of `engine.md`, section 2, each a predicate and what it decides: written down once
/// more, independently of the `match`, in the words of the table.
#[expect(
    clippy::too_many_lines,
    clippy::many_single_char_names,
    reason = "a flat list of the table's rows, in its letters"
)]
fn rows(
    p: Policy,
    n: Option<Content>,
    x: &Observed,
    recorded: Option<Recorded>,
) -> Vec<(&'static str, Decision)> {
    use Decision::{Adopt, Conflict as Refuse, Create, Delete, Forget, Keep, Nothing, Update};
    let file = match x {
        Observed::File(content) => Some(*content),
        Observed::Absent | Observed::Foreign(_) | Observed::Damaged(_) => None,
    };
    let (r, w) = (
        recorded.map(|it| it.rendered),
        recorded.map(|it| it.written),
    );
    let absent = *x == Observed::Absent;
    let foreign = matches!(x, Observed::Foreign(_));
    let damaged = matches!(x, Observed::Damaged(_));
    let once = p.own == Own::Once;
    let leaves = p.retain == Retain::Yes || once || p.removal == Removal::Keep;
    let frozen = p.nature == Nature::Migration && n != r;
    let caught_up = r == n && w == n && recorded.is_some_and(|it| it.claim == Claim::Same);
    let (lacks, differs) = (p.fresh == Fresh::Lacks, p.fresh == Fresh::Differs);
    let (insists, adopts) = (
        p.insistence == Insistence::Restore,
        p.adoption == Adoption::Wanted,
    );
    let (mine, refused, left) = (
        differs && insists,
        differs && !insists && !adopts,
        !differs || (!insists && adopts),
    );
    let loses = p.loss == Loss::Unnamed;
    let by_policy = match p.on_drift {
        OnDrift::Conflict => Refuse(Conflict::Edited),
        OnDrift::Restore if loses => Refuse(Conflict::Component),
        OnDrift::Restore if differs => Update(Updating::Joined),
        OnDrift::Restore => Update(Updating::Restored),
        OnDrift::Merge if p.merge == Merge::Clashes => Refuse(Conflict::Merge),
        OnDrift::Merge if p.merge == Merge::NoBase => Refuse(Conflict::Base),
        OnDrift::Merge if file.is_some_and(|file| p.merge == Merge::Clean(file)) => Keep,
        OnDrift::Merge => Update(Updating::Merged),
        OnDrift::Keep if lacks || differs => Update(Updating::Completed),
        OnDrift::Keep => Keep,
    };
    let stateful = p.nature != Nature::Plain;
    let mut rows = Vec::new();
    let mut row = |name, holds: bool, decision| {
        if holds {
            rows.push((name, decision));
        }
    };
    row(
        "none none none",
        n.is_none() && absent && recorded.is_none(),
        Nothing,
    );
    row(
        "none none any",
        n.is_none() && absent && recorded.is_some(),
        Forget(Forgetting::Gone),
    );
    row(
        "none x none",
        n.is_none() && file.is_some() && recorded.is_none(),
        Nothing,
    );
    let orphan = n.is_none() && file.is_some() && recorded.is_some() && file == w && w == r;
    row(
        "none x=w=r left",
        orphan && leaves,
        Forget(Forgetting::LeftAlone),
    );
    row(
        "none x=w=r stateful",
        orphan && !leaves && stateful && p.removal == Removal::Unsaid,
        Refuse(Conflict::Stateful),
    );
    row(
        "none x=w=r",
        orphan && !leaves && !(stateful && p.removal == Removal::Unsaid),
        Delete,
    );
    let edited_orphan =
        n.is_none() && file.is_some() && recorded.is_some() && !(file == w && w == r);
    let forced = p.removal == Removal::Delete && p.on_drift == OnDrift::Restore;
    row(
        "none x otherwise, left",
        edited_orphan && leaves,
        Forget(Forgetting::LeftAlone),
    );
    row(
        "none x otherwise, forced",
        edited_orphan && !leaves && forced,
        Delete,
    );
    row(
        "none x otherwise",
        edited_orphan && !leaves && !forced,
        Refuse(Conflict::DeletedButEdited),
    );
    row(
        "n none none",
        n.is_some() && absent && recorded.is_none(),
        Create(Creation::New),
    );
    let vanished = n.is_some() && absent && recorded.is_some();
    row("n none (r,w) once", vanished && once, Nothing);
    row(
        "n none (r,w) migration",
        vanished && !once && frozen,
        Refuse(Conflict::Migration),
    );
    row(
        "n none (r,w)",
        vanished && !once && !frozen,
        Create(Creation::Vanished),
    );
    let equal = n.is_some() && file == n;
    row(
        "n x=n migration",
        equal && recorded.is_some() && frozen,
        Refuse(Conflict::Migration),
    );
    row("n x=n caught up", equal && caught_up, Nothing);
    row(
        "n x=n",
        equal && !caught_up && !(recorded.is_some() && frozen),
        Adopt(Adopting::Equal),
    );
    let known = n.is_some() && file.is_some() && file != n && recorded.is_some();
    let as_left = known && file == w && n == r;
    let insisted = as_left && p.insistence == Insistence::Restore && !once;
    row(
        "n x=w n=r insisted, loses",
        insisted && p.loss == Loss::Unnamed,
        Refuse(Conflict::Component),
    );
    row(
        "n x=w n=r insisted",
        insisted && p.loss == Loss::None,
        Update(Updating::Restored),
    );
    let renamed = recorded.is_some_and(|it| it.claim == Claim::Other);
    row(
        "n x=w n=r renamed",
        as_left && !insisted && renamed,
        Adopt(Adopting::Renamed),
    );
    row("n x=w n=r", as_left && !insisted && !renamed, Nothing);
    row(
        "once, renamed",
        known && !as_left && once && renamed,
        Adopt(Adopting::Renamed),
    );
    let once_same = once && !renamed;
    let changed = known && file == w && w == r && n != r;
    row("n x=w=r once", changed && once_same, Nothing);
    row(
        "n x=w=r migration",
        changed && !once && frozen,
        Refuse(Conflict::Migration),
    );
    row(
        "n x=w=r loses",
        changed && !once && !frozen && left && p.loss == Loss::Unnamed,
        Refuse(Conflict::Component),
    );
    row(
        "n x=w=r",
        changed && !once && !frozen && !differs && p.loss == Loss::None,
        Update(Updating::Changed),
    );
    row(
        "n x=w=r, new keys left",
        changed && !once && !frozen && differs && left && p.loss == Loss::None,
        Update(Updating::Joined),
    );
    let kept = known && file == w && w != r && n != r;
    row("n x=w!=r once", kept && once_same, Nothing);
    row(
        "n x=w!=r migration",
        kept && !once && frozen,
        Refuse(Conflict::Migration),
    );
    row("n x=w!=r", kept && !once && !frozen && left, by_policy);
    let edited = known && file != w;
    row("n x!=w once", edited && once_same, Nothing);
    row(
        "n x!=w migration",
        edited && !once && frozen,
        Refuse(Conflict::Migration),
    );
    row("n x!=w", edited && !once && !frozen && left, by_policy);
    let known_or_not = (changed || kept || edited) && !once && !frozen;
    row(
        "new keys set",
        known_or_not && mine && !loses,
        Update(Updating::Restored),
    );
    row(
        "new keys set, loses",
        known_or_not && mine && loses,
        Refuse(Conflict::Component),
    );
    row(
        "new keys taken",
        known_or_not && refused,
        Refuse(Conflict::KeysTaken),
    );
    let stranger = n.is_some() && file.is_some() && file != n && recorded.is_none();
    let takes = adopts || once;
    row(
        "n x!=n none, taken",
        stranger && takes && !lacks && !differs,
        Adopt(Adopting::AsItIs),
    );
    row(
        "n x!=n none",
        stranger && !takes && !lacks && !differs,
        Refuse(Conflict::NotOurs),
    );
    row(
        "n x!=n none, keys missing",
        stranger && lacks,
        Create(Creation::New),
    );
    row(
        "n x!=n none, keys set",
        stranger && mine && !loses,
        Update(Updating::Restored),
    );
    row(
        "n x!=n none, keys set, loses",
        stranger && mine && loses,
        Refuse(Conflict::Component),
    );
    row(
        "n x!=n none, keys left",
        stranger && differs && left,
        Update(Updating::Joined),
    );
    row(
        "n x!=n none, keys taken",
        stranger && refused,
        Refuse(Conflict::KeysTaken),
    );
    row(
        "foreign, nothing to us",
        foreign && n.is_none() && recorded.is_none(),
        Nothing,
    );
    row(
        "foreign, desired once",
        foreign && n.is_some() && once,
        Nothing,
    );
    row(
        "foreign, desired",
        foreign && n.is_some() && !once,
        Refuse(Conflict::Foreign),
    );
    row(
        "foreign, left",
        foreign && n.is_none() && recorded.is_some() && leaves,
        Forget(Forgetting::LeftAlone),
    );
    row(
        "foreign, recorded",
        foreign && n.is_none() && recorded.is_some() && !leaves,
        Refuse(Conflict::Foreign),
    );
    row(
        "damaged, nothing to us",
        damaged && n.is_none() && recorded.is_none(),
        Nothing,
    );
    row(
        "damaged, desired once",
        damaged && n.is_some() && once,
        Nothing,
    );
    row(
        "damaged, left",
        damaged && n.is_none() && recorded.is_some() && leaves,
        Forget(Forgetting::LeftAlone),
    );
    row(
        "damaged",
        damaged && !(n.is_some() && once) && (n.is_some() || recorded.is_some() && !leaves),
        Refuse(Conflict::Markers),
    );
    rows
}

#[test]
fn every_combination_has_exactly_one_row_and_the_function_follows_it() {
    let mut seen = std::collections::BTreeSet::new();
    for policy in policies() {
        for (n, x, recorded) in worlds() {
            let rows = rows(policy, n, &x, recorded);
            assert_eq!(
                rows.len(),
                1,
                "{policy:?} {n:?} {x:?} {recorded:?}: {rows:?}"
            );
            assert_eq!(
                decide(policy, n, &x, recorded),
                rows[0].1,
                "{}: {policy:?} {n:?} {x:?} {recorded:?}",
                rows[0].0
            );
            seen.insert(rows[0].0);
        }
    }
    assert_eq!(seen.len(), 51, "every row is reached: {seen:?}");
}

/// What stands on the disk once a decision was carried out.
fn disk_after(policy: Policy, decision: Decision, n: Option<Content>, x: &Observed) -> Observed {
    match (decision, n) {
        (Decision::Update(Updating::Merged), _) => match policy.merge {
            Merge::Clean(merged) => Observed::File(merged),
            Merge::Clashes | Merge::NoBase => panic!("what clashes is not written"),
        },
        // loom's keys beside somebody's own: what neither had
        (Decision::Update(Updating::Joined | Updating::Completed), _) => {
            Observed::File(content(u8::MAX))
        }
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
            let disk = disk_after(policy, decision, n, &x);
            let ledger = recorded_after(decision, n, &disk, recorded);
            // what was put back by name, or taken over by name, is not asked for again
            let after = Policy {
                insistence: Insistence::None,
                // and keys that were decided are recorded
                fresh: Fresh::Agrees,
                ..policy
            };
            assert_eq!(
                decide(after, n, &disk, ledger),
                Decision::Nothing,
                "{policy:?} {n:?} {x:?} {recorded:?}: {decision:?}"
            );
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

    /// A text as this history sees it: what is loom's in the lower half, a person's in the upper one.
    const HALF: u8 = 16;

    /// Merges as texts do: where loom did not change its half the observed one stays, where the
    /// person did not change it loom's comes, and the person's half is never touched.
    fn merged(base: u8, observed: u8, desired: u8) -> Option<u8> {
        let loom = match (
            base % HALF == desired % HALF,
            base % HALF == observed % HALF,
        ) {
            (true, _) => observed % HALF,
            (false, true) => desired % HALF,
            (false, false) if observed % HALF == desired % HALF => desired % HALF,
            (false, false) => return None,
        };
        Some(observed / HALF * HALF + loom)
    }

    /// The byte of a content.
    fn byte(content: Content) -> u8 {
        (0..=u8::MAX)
            .find(|byte| super::content(*byte) == content)
            .expect("all contents are of one byte")
    }

    fn merge_of(n: Option<Content>, disk: &Observed, ledger: Option<Recorded>) -> Merge {
        let (Some(n), Observed::File(x), Some(recorded)) = (n, disk, ledger) else {
            return Merge::Clashes;
        };
        let merged = merged(byte(recorded.rendered), byte(*x), byte(n));
        merged.map_or(Merge::Clashes, |merged| Merge::Clean(content(merged)))
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1_u8..4, 0_u8..4).prop_map(|(person, loom)| Step::Edit(person * HALF + loom)),
            Just(Step::Remove),
            proptest::option::of(0_u8..3).prop_map(Step::Declare),
            Just(Step::Apply),
        ]
    }

    proptest! {
        /// Without `restore` an apply never makes a person's bytes disappear: it leaves the file as it
        /// is, or merges into it and leaves the person's half. After it there is nothing left to do.
        #[test]
        fn no_history_without_restore_loses_bytes_that_loom_did_not_write(
            steps in proptest::collection::vec(step(), 1..12), which in 0_usize..10_000,
        ) {
            let all: Vec<Policy> = policies().into_iter().filter(|p| p.on_drift != OnDrift::Restore && p.insistence == Insistence::None && p.fresh == Fresh::Agrees).collect();
            let policy = all[which % all.len()];
            let (mut n, mut disk, mut ledger, mut persons) = (None, Observed::Absent, None, false);
            for step in steps {
                match step {
                    Step::Edit(byte) => (disk, persons) = (Observed::File(content(byte)), true),
                    Step::Remove => (disk, persons) = (Observed::Absent, false),
                    Step::Declare(declared) => n = declared.map(content),
                    Step::Apply => {
                        let policy = Policy { merge: merge_of(n, &disk, ledger), ..policy };
                        let decision = decide(policy, n, &disk, ledger);
                        let after = disk_after(policy, decision, n, &disk);
                        let half = |observed: &Observed| match observed {
                            Observed::File(content) => Some(byte(*content) / HALF),
                            Observed::Absent | Observed::Foreign(_) | Observed::Damaged(_) => None,
                        };
                        let is_merged = decision == Decision::Update(Updating::Merged) && half(&after) == half(&disk);
                        prop_assert!(!persons || after == disk || is_merged, "{decision:?} lost a person's bytes");
                        ledger = recorded_after(decision, n, &after, ledger);
                        disk = after;
                        let policy = Policy { merge: merge_of(n, &disk, ledger), ..policy };
                        let again = decide(policy, n, &disk, ledger);
                        let is_done = again == Decision::Nothing || matches!(decision, Decision::Conflict(_));
                        prop_assert!(is_done, "{policy:?}: {decision:?} and then {again:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_was_merged_converges_and_a_later_change_merges_again() {
        let policy = *policies()
            .iter()
            .find(|policy| policy.on_drift == OnDrift::Merge && policy.own == Own::File)
            .expect("one");
        let apply = |n: u8, disk: u8, ledger: Option<Recorded>| {
            let (n, x) = (Some(content(n)), Observed::File(content(disk)));
            let policy = Policy {
                merge: merge_of(n, &x, ledger),
                ..policy
            };
            let decision = decide(policy, n, &x, ledger);
            let left = disk_after(policy, decision, n, &x);
            let ledger = recorded_after(decision, n, &left, ledger);
            let Observed::File(left) = left else {
                panic!("a file is there")
            };
            (decision, byte(left), ledger)
        };
        let person = 2 * HALF;
        let written = Some(Recorded {
            rendered: content(1),
            written: content(1),
            claim: Claim::Same,
        });
        // somebody edits, the declaration changes, and later it changes twice more
        let (decision, disk, ledger) = apply(2, person + 1, written);
        assert_eq!(
            (decision, disk),
            (Decision::Update(Updating::Merged), person + 2)
        );
        assert_eq!(apply(2, disk, ledger).0, Decision::Nothing);
        let (decision, disk, ledger) = apply(3, disk, ledger);
        assert_eq!(
            (decision, disk),
            (Decision::Update(Updating::Merged), person + 3)
        );
        assert_eq!(
            apply(3, disk, ledger),
            (Decision::Nothing, person + 3, ledger)
        );
        // the base is what loom rendered last, not what stands there: the person's half is no change of loom's
        assert_eq!(
            ledger.map(|it| (byte(it.rendered), byte(it.written))),
            Some((3, person + 3))
        );
    }
}
