//! Input that no person would write: an error at its place, never a panic and never a long wait.

use super::sandbox::Sandbox;

const FILES: &[&str] = &[
    "loom.yaml",
    "services/scorer/loom.yaml",
    "stories/PAR-101.yaml",
    "stories/PAR-102.json",
    ".agent/loom/stack-config.json",
];

fn rubbish() -> Vec<Vec<u8>> {
    let bomb = (0..12).fold(
        "a: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(),
        |text, level| {
            let next = level + 1;
            let many = format!("*a{level}, ").repeat(9);
            text + &format!("b{next}: &a{next} [{many}]\n")
        },
    );
    let mut all: Vec<Vec<u8>> = [
        "", " ", "\n", "---\n---\n", "null\n", "42\n", "true\n", "\"text\"\n", "[]\n", "[[[[[[]]]]]]\n", "{}\n", "{\n", "}\n", "a: b: c\n", "\tx: 1\n",
        "- a\n- b\n", "? [complex]\n: value\n", "a: *nowhere\n", "<<: {a: 1}\n", "!!binary aGVsbG8=\n", "loom: 1\nloom: 1\n", "loom: 999999999999999999999999\n",
        "loom: -1\n", "loom: 1\nproject: {}\nenvironments: []\nservices: 3\nartifacts: {}\n", "loom: 1\nproject: x\nenvironments: {}\n",
        "loom: 1\nproject: x\nenvironments: { a: null, b: 7, c: [] }\nservices: { d: null, e: { port: [] } }\nartifacts: [null, 1, [], {}, { kind: 7 }]\nmoved: [1]\nremoved: [[]]\nadopt: [{}]\n",
        "story: 1\ntasks: 2\n", "story: S\ntitle: []\ntasks: [null, 1, {}, { id: [] }]\n", "{\"code\": \"S\", \"id\": 7, \"tasks\": {\"a\": 1}}\n",
        "{\"id\": \"S\", \"tasks\": [{\"id\": \"T\", \"description\": \"```loom\\n\\u0000: [\\n```\"}]}\n", "\"\\\"\\\\\\\"\\\"\"\n",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    all.push(bomb.into_bytes());
    all.push("[".repeat(100_000).into_bytes());
    all.push(format!("a: {}\n", "{a: ".repeat(5_000)).into_bytes());
    all.push(vec![0xff, 0xfe, 0x00]);
    all.push(vec![0; 4096]);
    all.push(b"\xef\xbb\xbf{}\n".to_vec());
    all.push("x: \u{2028}\u{feff}\u{202e}\n".as_bytes().to_vec());
    all
}

#[test]
fn no_file_of_the_input_makes_loom_panic() {
    let sandbox = Sandbox::project("two-services");
    for file in FILES {
        let good = sandbox.read(file);
        for rubbish in rubbish() {
            sandbox.write_bytes(file, &rubbish);
            // that it does not panic is checked for every run
            let ran = sandbox.loom(&["validate"]);
            assert!(
                matches!(ran.code, Some(0 | 1)),
                "{file} with {:?}\n{ran}",
                String::from_utf8_lossy(&rubbish)
            );
        }
        sandbox.write(file, &good);
    }
    sandbox.loom(&["validate"]).comes_to(0);
}

#[test]
fn no_half_of_a_file_makes_loom_panic() {
    let sandbox = Sandbox::project("two-services");
    for file in FILES {
        let good = sandbox.read(file);
        for tenth in 1..10 {
            let cut = good.len() * tenth / 10;
            sandbox.write_bytes(file, &good.as_bytes()[..cut]);
            let ran = sandbox.loom(&["validate"]);
            assert!(
                matches!(ran.code, Some(0 | 1)),
                "{file} cut off at {cut}\n{ran}"
            );
        }
        sandbox.write(file, &good);
    }
}

#[test]
fn no_rubbish_in_the_ledger_makes_loom_panic_or_lose_a_file() {
    let sandbox = super::small::applied();
    let (book, port) = (".loom/ledger/S-1.jsonl", sandbox.read("etc/port"));
    for rubbish in rubbish() {
        sandbox.write_bytes(book, &rubbish);
        let ran = sandbox.loom(&["apply", "--yes"]);
        assert!(
            matches!(ran.code, Some(0 | 1 | 4)),
            "{:?}\n{ran}",
            String::from_utf8_lossy(&rubbish)
        );
        assert_eq!(
            sandbox.read("etc/port"),
            port,
            "{:?}",
            String::from_utf8_lossy(&rubbish)
        );
        sandbox.git(&["checkout", "--quiet", "HEAD", "--", "."]);
    }
}

#[test]
fn a_template_that_does_not_end_is_stopped() {
    let text = "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}x{% endfor %}{% endfor %}{% endfor %}";
    let sandbox = super::small::standing(
        &format!("  - {{ kind: template, name: loop, path: loop, text: \"{text}\" }}\n"),
        "",
    );
    sandbox.loom(&["plan"]).comes_to(1).complains("LOOM0412");
}

#[test]
fn a_file_of_many_megabytes_is_refused_at_once() {
    let sandbox = super::small::fresh();
    sandbox.write("stories/big.yaml", &"# x\n".repeat(3_000_000));
    sandbox
        .loom(&["validate"])
        .comes_to(1)
        .complains("LOOM0103");
}
