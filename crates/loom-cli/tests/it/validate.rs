//! `loom validate`: every error of every file in one run, at its place.

use super::sandbox::Sandbox;
use super::small;

#[test]
fn errors_of_several_files_are_reported_together_each_at_its_place() {
    let sandbox = Sandbox::project("two-services");
    sandbox.edit("loom.yaml", "    port: 4000", "    prot: 4000");
    sandbox.edit(
        "services/scorer/loom.yaml",
        "port: 8000\n    health",
        "port: 800000\n    health",
    );
    sandbox.edit("stories/PAR-101.yaml", "kind: pipeline", "kind: pipelin");
    sandbox.edit(
        "stories/PAR-101.yaml",
        "dependencies: [T-002, T-003]",
        "dependencies: [T-002, T-033]",
    );
    sandbox.edit(
        "stories/PAR-102.json",
        "service: scorer, name: scorer-saturation",
        "service: scrorer, name: scorer-saturation",
    );
    sandbox.edit(
        ".agent/loom/stack-config.json",
        "\"kubernetes\"",
        "\"kubernets\"",
    );
    let ran = sandbox.loom(&["validate"]).comes_to(1);
    for (code, place, help) in [
        ("LOOM0106", "[loom.yaml:", "port"),
        ("LOOM0109", "[services/scorer/loom.yaml:", "65535"),
        ("LOOM0401", "[stories/PAR-101.yaml:", "`pipeline`"),
        ("LOOM0303", "[stories/PAR-101.yaml:", "T-003"),
        ("LOOM0206", "[stories/PAR-102.json:", "`scorer`"),
        ("LOOM0109", "[.agent/loom/stack-config.json:", "kubernetes"),
    ] {
        for text in [code, place, help] {
            assert!(ran.err.contains(text), "{text}\n{ran}");
        }
    }
    let line = 1 + sandbox
        .read("loom.yaml")
        .lines()
        .position(|line| line.contains("prot:"))
        .expect("it was written");
    assert!(ran.err.contains(&format!("[loom.yaml:{line}:5]")), "{ran}");
    assert_eq!(ran.out, "", "errors are not data");
}

#[test]
fn valid_input_is_counted() {
    let sandbox = Sandbox::project("two-services");
    sandbox
        .loom(&["validate"])
        .comes_to(0)
        .says("The input is valid: 2 stories");
    assert!(!sandbox.has(".loom"), "validate writes nothing");
}

#[test]
fn without_loom_yaml_it_is_said_how_to_begin() {
    Sandbox::empty()
        .loom(&["plan"])
        .comes_to(1)
        .complains("loom init");
}

#[test]
fn loom_yaml_is_looked_for_upwards() {
    let sandbox = small::applied();
    sandbox.write("deep/below/x", "");
    let ran = sandbox.loom(&["-C", "deep/below", "plan", "--detailed-exitcode"]);
    ran.comes_to(0);
}

#[test]
fn a_credential_is_refused_and_never_printed() {
    let token = ["ghp", "_", "h7Kx2Vb9Qm4Rt8Wz1Yc5Nd3Pf6Gj0LsAeUiT"].concat();
    let sandbox = small::standing(
        &format!("  - {{ kind: file, name: env, path: env, content: \"TOKEN={token}\" }}\n"),
        "",
    );
    for command in [
        &["validate"][..],
        &["plan"],
        &["plan", "--format", "json"],
        &["explain", "file.env"],
        &["drift"],
    ] {
        let ran = sandbox.loom(command).comes_to(1);
        assert!(
            !ran.out.contains(&token) && !ran.err.contains(&token),
            "{}",
            ran.err.replace(&token, "THE TOKEN")
        );
        assert!(
            format!("{}{}", ran.out, ran.err).contains("LOOM0205"),
            "{ran}"
        );
    }
}

#[test]
fn what_a_blueprint_lacks_is_listed_at_once_with_examples() {
    let sandbox = Sandbox::project("entity-api");
    sandbox.edit("loom.yaml", "    port: 3000\n", "");
    sandbox.edit("loom.yaml", ", region: us-east-1", "");
    let ran = sandbox.loom(&["plan"]).comes_to(1);
    ran.complains("LOOM0402")
        .complains("services.entity-api.port")
        .complains("region");
}

#[test]
fn references_that_lead_nowhere_are_errors_with_the_nearest_names() {
    let sandbox = small::standing(
        "  - { kind: file, name: one, path: one, content: x }\n  - { kind: file, name: two, path: two, content: \"${ref:file.onne.path}\" }\n  - { kind: file, name: three, path: three, content: \"${ref:file.one.paht}\" }\n  - { kind: file, name: four, path: four, service: api, content: \"${service:prot}\" }\n",
        "",
    );
    let ran = sandbox.loom(&["validate"]).comes_to(1);
    ran.complains("LOOM0404")
        .complains("`file.one`")
        .complains("did you mean `port`?");
    sandbox.edit("loom.yaml", "file.onne", "file.one");
    sandbox.edit("loom.yaml", "service:prot", "service:port");
    sandbox
        .loom(&["validate"])
        .comes_to(1)
        .complains("LOOM0405")
        .complains("`path`");
}

#[test]
fn two_claims_on_one_path_name_both() {
    let sandbox = small::standing(
        "  - { kind: file, name: one, path: same, content: x }\n  - { kind: file, name: two, path: same, content: x }\n",
        "",
    );
    sandbox
        .loom(&["plan"])
        .comes_to(1)
        .complains("LOOM0409")
        .complains("file.one")
        .complains("file.two");
}

#[test]
fn paths_that_lead_out_of_the_repository_or_into_git_are_errors() {
    for path in [
        "../out",
        "/etc/passwd",
        ".git/config",
        "a/../../b",
        ".GIT/hooks/pre-commit",
        "a/.git/x",
        "git~1/x",
        ".g\u{200c}it/config",
        "a//b",
        "a\\u0000b",
        "",
    ] {
        let sandbox = small::standing(
            &format!("  - {{ kind: file, name: one, path: \"{path}\", content: x }}\n"),
            "",
        );
        let ran = sandbox.loom(&["apply", "--yes"]);
        let normal = path == "a//b";
        assert!(ran.code == Some(1) || normal, "{path:?}\n{ran}");
    }
}
