//! An edit of a generated file goes back to the setting that it came from.

use super::sandbox::Sandbox;
use super::small;

#[test]
fn a_port_that_was_edited_in_one_file_goes_to_loom_yaml_and_all_files_follow() {
    let sandbox = small::fresh();
    sandbox.edit("stories/S-1.yaml", "      - { kind: markdown.page", "      - { kind: file, name: url, path: etc/url, service: api, content: \"http://localhost:${service:port}/\\n\" }\n      - { kind: markdown.page");
    sandbox.edit(
        "loom.yaml",
        "    port: 3000",
        "    # asked for by the network people\n    port:   3000   # until spring",
    );
    sandbox.apply();
    sandbox.edit("etc/port", "3000", "8080");
    let before = sandbox.read("loom.yaml");
    sandbox
        .loom(&["absorb", "file.port"])
        .comes_to(1)
        .complains("give --yes")
        .says("-    port:   3000   # until spring");
    assert_eq!(
        sandbox.read("loom.yaml"),
        before,
        "nothing is written that nobody agreed to"
    );

    let absorbed = sandbox.loom(&["absorb", "file.port", "--yes"]).comes_to(0);
    insta::assert_snapshot!(absorbed.out, @r"
    ~ loom.yaml  services.api.port
        @@ -6,4 +6,4 @@
         services:
           api:
             # asked for by the network people
        -    port:   3000   # until spring
        +    port:   8080   # until spring

    These follow with the next apply: etc/url

    Wrote loom.yaml. `loom apply` brings everything up to it.
    ");
    assert_eq!(
        sandbox.read("loom.yaml"),
        before.replace("3000", "8080"),
        "every other byte stays"
    );
    let applied = sandbox.apply();
    assert_eq!(applied.marked('='), ["etc/port"], "it is as declared now");
    assert_eq!(sandbox.read("etc/url"), "http://localhost:8080/\n");
    sandbox.is_settled();
    sandbox
        .loom(&["absorb", "file.port"])
        .comes_to(1)
        .complains("nothing to absorb");
}

#[test]
fn a_line_of_a_story_is_absorbed_where_it_is_written() {
    let sandbox = small::applied();
    sandbox.edit("docs/hours.md", "from nine to five", "from ten to six");
    sandbox
        .loom(&["absorb", "markdown.page.hours", "--yes"])
        .comes_to(0)
        .says("stories/S-1.yaml");
    assert!(
        sandbox
            .read("stories/S-1.yaml")
            .contains("\"# Hours\\n\\nOpen from ten to six.\\n\""),
        "{}",
        sandbox.read("stories/S-1.yaml")
    );
    sandbox.apply();
    sandbox.is_settled();
}

#[test]
fn a_port_of_a_generated_manifest_is_absorbed_where_all_of_its_lines_were_edited() {
    let sandbox = Sandbox::project("entity-api");
    sandbox.apply();
    let path = "k8s/production/entity-api.yml";
    let all = sandbox.read(path);
    assert!(all.contains("3000"), "{all}");
    sandbox.write(path, &all.replacen("3000", "8080", 1));
    let address = "kubernetes.manifest.entity-api[production]";
    let refused = sandbox.loom(&["absorb", address, "--yes"]).comes_to(4);
    refused
        .complains("cannot be traced")
        .complains("gives this line too");
    let input = sandbox.read("loom.yaml");
    sandbox.write(path, &all.replace("3000", "8080"));
    let absorbed = sandbox.loom(&["absorb", address, "--yes"]).comes_to(0);
    assert!(
        absorbed.out.contains("services.entity-api.port")
            && absorbed.out.contains("k8s/staging/entity-api.yml"),
        "{absorbed}"
    );
    assert_ne!(sandbox.read("loom.yaml"), input);
    sandbox.apply();
    assert!(!sandbox.read("k8s/staging/entity-api.yml").contains("3000"));
    sandbox.is_settled();
}

#[test]
fn what_no_setting_gives_is_refused_and_nothing_is_changed() {
    let sandbox = small::applied();
    let tree = |sandbox: &Sandbox| (sandbox.read("loom.yaml"), sandbox.read("stories/S-1.yaml"));
    let before = tree(&sandbox);
    sandbox.append("etc/port", "mine\n");
    sandbox
        .loom(&["absorb", "file.port", "--yes"])
        .comes_to(4)
        .complains("line 2: lines were added or taken out");
    assert_eq!(tree(&sandbox), before);
    sandbox
        .loom(&["absorb", "file.prot", "--yes"])
        .comes_to(1)
        .complains("did you mean");
}

#[test]
fn an_edit_of_what_was_declared_anew_is_decided_first() {
    let sandbox = small::applied();
    sandbox.edit("etc/port", "port", "door");
    sandbox.edit("loom.yaml", "3000", "8080");
    sandbox
        .loom(&["absorb", "file.port", "--yes"])
        .comes_to(4)
        .complains("loom resolve file.port --path etc/port");
}
