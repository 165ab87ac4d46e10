//! What a plan is judged by, and what an approval of it covers.

use super::formats::valid;
use super::sandbox::{Ran, Sandbox};
use super::small;

const MAP: &str = "  - { kind: file, name: a, path: k.yml, content: \"apiVersion: v1\\nkind: ConfigMap\\nmetadata: { name: x }\\n\" }\n";
const POLICY: &str =
    "package main\ndeny contains msg if { input.kind == \"ConfigMap\"; msg := \"no map\" }\n";
const EXCEPTION: &str =
    "policy:\n  accept:\n    - { code: main.deny, path: k.yml, reason: it is tried out }\n";
const FORMATS: &[&str] = &["text", "json", "markdown", "html", "github", "sarif"];

/// A repository whose default branch has a policy, and whose branch has what the policy denies.
fn denied() -> Sandbox {
    let sandbox = small::standing("  []\n", "");
    sandbox.write("policy/a.rego", POLICY);
    sandbox.apply();
    sandbox.commit();
    sandbox.git(&["switch", "--quiet", "--create", "request"]);
    small::declare(&sandbox, MAP, "");
    sandbox
}

fn json(ran: &Ran) -> serde_json::Value {
    valid(ran, "plan-output")
}

#[test]
fn a_plan_that_is_denied_has_no_digest_anywhere_so_that_nothing_approves_it() {
    let sandbox = denied();
    for format in FORMATS {
        let ran = sandbox.loom(&["plan", "--format", format]).comes_to(5);
        let hashes = ran.out.split(|c: char| !c.is_ascii_hexdigit());
        let digests = hashes.filter(|word| word.len() == 64).count();
        // JSON has the hashes of contents, SARIF fingerprints
        assert!(digests == 0 || matches!(*format, "json" | "sarif"), "{ran}");
        assert!(!ran.out.contains("--expect"), "{ran}");
    }
    let plan = json(&sandbox.loom(&["plan", "--format", "json"]).comes_to(5));
    assert!(plan["digest"].is_null() && plan["denied"] == true, "{plan}");
    let saved = sandbox.outside("plan.loom");
    let saved = saved.to_str().expect("UTF-8");
    sandbox
        .loom(&["plan", "--out", saved])
        .comes_to(5)
        .complains("was not saved");
    assert!(!std::path::Path::new(saved).exists());
    let reviewed = sandbox.outside("plan.json");
    std::fs::write(&reviewed, plan.to_string()).expect("it can be written");
    sandbox.remove("policy/a.rego");
    sandbox
        .loom(&["apply", "--expect", reviewed.to_str().expect("UTF-8")])
        .comes_to(1)
        .complains("it was denied");
    assert!(!sandbox.has("k.yml"));
}

#[test]
fn the_digest_covers_which_rule_is_silenced_where_and_not_why() {
    let sandbox = denied();
    small::declare(&sandbox, MAP, EXCEPTION);
    let approved = sandbox.loom(&["plan"]).comes_to(0).digest();
    let plan = json(&sandbox.loom(&["plan", "--format", "json"]).comes_to(0));
    let wanted = serde_json::json!([{ "code": "main.deny", "path": "k.yml" }]);
    assert_eq!(plan["exceptions"], wanted);
    // another reason, another line, an exception that nothing belongs to
    let other = "\n# a comment\npolicy:\n  accept:\n    - { code: LOOM1203, path: x.yml, reason: x }\n    - { code: main.deny, path: k.yml, reason: it stays }\n";
    small::declare(&sandbox, MAP, other);
    assert_eq!(sandbox.loom(&["plan"]).comes_to(0).digest(), approved);
    // another place is another exception
    small::declare(&sandbox, MAP, &EXCEPTION.replace("k.yml", "\"*.yml\""));
    let wider = sandbox.loom(&["plan"]).comes_to(0).digest();
    assert_ne!(wider, approved);
    sandbox
        .loom(&["apply", "--expect", &approved])
        .comes_to(3)
        .complains("stale");
    let reviewed = sandbox.outside("plan.json");
    std::fs::write(&reviewed, plan.to_string()).expect("it can be written");
    sandbox
        .loom(&["apply", "--expect", reviewed.to_str().expect("UTF-8")])
        .comes_to(3)
        .complains("exceptions");
    // a policy that says the same in other words, or goes, changes nothing that was approved
    small::declare(&sandbox, MAP, EXCEPTION);
    sandbox.write("policy/a.rego", &POLICY.replace("no map", "not one"));
    assert_eq!(sandbox.loom(&["plan"]).comes_to(0).digest(), approved);
    sandbox.loom(&["apply", "--expect", &approved]).comes_to(0);
}

#[test]
fn a_request_that_changes_what_it_is_judged_by_says_so_first_in_every_format() {
    let sandbox = denied();
    small::declare(&sandbox, MAP, EXCEPTION);
    sandbox.write("policy/b.rego", POLICY);
    sandbox.apply();
    let new = "the exception for main.deny in k.yml is new: it is tried out";
    for format in FORMATS {
        let ran = sandbox
            .loom(&["plan", "--against", "main", "--format", format])
            .comes_to(0);
        let plain = ran.out.replace('\\', "");
        assert!(plain.contains("the policy policy/b.rego is new"), "{ran}");
        assert!(plain.contains(new), "{ran}");
        assert!(!plain.contains("policy/a.rego"), "{ran}");
        if *format == "text" {
            assert!(ran.out.starts_with("This request changes"), "{ran}");
        }
    }
    // nothing of it where the request changes nothing of it
    sandbox.commit();
    let ran = sandbox.loom(&["plan", "--against", "HEAD"]).comes_to(0);
    assert!(!ran.out.contains("This request changes"), "{ran}");
}

#[test]
fn a_request_is_judged_by_its_base_where_that_is_asked_for() {
    let sandbox = denied();
    small::declare(&sandbox, MAP, EXCEPTION);
    sandbox.loom(&["plan"]).comes_to(0);
    let from = ["--policies-from", "main"];
    let ran = |command: &[&str]| sandbox.loom(&[command, &from].concat());
    ran(&["plan"])
        .comes_to(5)
        .says("This request changes policies or exceptions")
        .says("main.deny");
    ran(&["apply", "--yes"]).comes_to(5);
    ran(&["check"]).comes_to(5).says("This request changes");
    sandbox.remove("policy/a.rego");
    ran(&["plan"]).comes_to(5).says("policy/a.rego is gone");
    let check = ran(&["check", "--format", "json"]).comes_to(5);
    let check = valid(&check, "check-output");
    assert_eq!(check["judged_by"]["reference"], "main");
    assert_eq!(check["policy_changes"][0]["path"], "policy/a.rego");
    for format in ["github", "sarif", "junit"] {
        ran(&["check", "--format", format])
            .comes_to(5)
            .says("policy/a.rego is gone");
    }
    assert!(!sandbox.has("k.yml"));
    // what the base accepts is accepted, and the command that the plan offers judges alike
    sandbox.commit();
    let ran = sandbox
        .loom(&["plan", "--policies-from", "HEAD"])
        .comes_to(0);
    assert!(ran.out.contains("--policies-from HEAD --expect"), "{ran}");
    sandbox
        .loom(&["plan", "--policies-from", "nowhere"])
        .comes_to(1)
        .complains("there is no commit `nowhere`");
    // before there was anything to judge by
    sandbox.git(&["switch", "--quiet", "--orphan", "empty"]);
    sandbox.write("x", "x");
    sandbox.commit();
    sandbox.git(&["switch", "--quiet", "request"]);
    sandbox
        .loom(&["plan", "--policies-from", "empty"])
        .comes_to(0)
        .says("This request changes");
}
