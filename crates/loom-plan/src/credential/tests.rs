//! Each rule finds a credential of its issuer's form, made here and now, and not a placeholder in
//! the same form; what looks like none is none.

use super::*;
use crate::node;

/// What is underlined, and the node without its credentials.
fn guarded(text: &str) -> (Vec<String>, serde_json::Value) {
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    let id = sources.add("loom.yaml", text);
    let node = node::parse_one(&sources, id, &mut out).expect("good YAML");
    let before = sources.clone();
    let node = guard(&node, &mut sources, &mut out);
    hide(&mut sources, 0, &mut out);
    let places = out
        .iter()
        .map(|found| sources.outermost(found.labels[0].span))
        .collect::<Vec<_>>();
    assert!(
        places
            .iter()
            .all(|span| sources.slice(*span).chars().all(|c| c == '*' || c == '\n')),
        "it is redacted"
    );
    (
        places
            .iter()
            .map(|span| before.slice(*span).to_owned())
            .collect(),
        node.to_json(),
    )
}

/// Numbers that only look random, the same in every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits")
    }

    fn text(&mut self, letters: &str, length: usize) -> String {
        (0..length)
            .map(|_| char::from(letters.as_bytes()[self.next() % letters.len()]))
            .collect()
    }
}

const SMALL: &str = "abcdefghijklmnopqrstuvwxyz";
const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";

fn letters(sign: char) -> String {
    match sign {
        'w' | 'v' | 'b' => format!("{SMALL}{CAPITALS}{DIGITS}"),
        'h' => "0123456789abcdef".to_owned(),
        'd' => DIGITS.to_owned(),
        'l' => "abcdefghijklmnopqrstuvwxyz234567".to_owned(),
        'u' => format!("{CAPITALS}{DIGITS}"),
        't' => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".to_owned(),
        'q' => "qpzry9x8gf2tvdw0s3jn54khce6mua7l".to_owned(),
        'Q' => "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".to_owned(),
        other => unreachable!("`{other}` stands for no letters"),
    }
}

/// A credential like the sample of a rule; `fill` is asked for the letters of each random place.
fn sample(like: &str, fill: &mut dyn FnMut(char, usize) -> String) -> String {
    let mut made = String::new();
    let mut rest = like;
    while let Some((before, after)) = rest.split_once('%') {
        made.push_str(before);
        let sign = after
            .chars()
            .next()
            .expect("a letter after the percent sign");
        let digits = after[1..].bytes().take_while(u8::is_ascii_digit).count();
        let count = after[1..=digits].parse().unwrap_or(0);
        rest = &after[1 + digits..];
        match sign {
            '%' => made.push('%'),
            'U' => {
                let mut part = |count| fill('h', count);
                let parts = [
                    part(8),
                    part(4),
                    format!("4{}", part(3)),
                    format!("8{}", part(3)),
                    part(12),
                ];
                made.push_str(&parts.join("-"));
            }
            'p' => made.extend(["a7K".to_owned(), fill('w', count - 3)]),
            sign => made.push_str(&fill(sign, count)),
        }
    }
    made.push_str(rest);
    made.replace("\\n", "\n")
}

#[test]
fn each_rule_finds_its_sample_and_no_placeholder_and_names_a_source() {
    let mut dice = Dice(7);
    assert!(rule::RULES.len() >= 200, "{}", rule::RULES.len());
    for rule in rule::RULES.iter() {
        assert!(
            rule.from.starts_with("https://"),
            "{}: {}",
            rule.what,
            rule.from
        );
        assert!(!rule.literals.is_empty(), "{}", rule.what);
        for round in 0..8 {
            let made = sample(rule.like, &mut |sign, count| {
                dice.text(&letters(sign), count)
            });
            for text in [
                made.clone(),
                format!("x: \"{made}\",\n"),
                format!("a='{made}' b"),
            ] {
                let found = found(&text);
                assert!(!found.is_empty(), "{} in round {round}: {text}", rule.what);
                assert!(masked(&text).contains("********"), "{}: {text}", rule.what);
            }
        }
        for filler in ["x", "0", "A"] {
            let dull = sample(rule.like, &mut |_, count| filler.repeat(count));
            let found = tokens(&dull);
            let of_rule = |found: &&Found| found.what == rule.what && !rule.like.contains("%p");
            assert!(
                !found.iter().any(|it| of_rule(&it)),
                "{}: {dull}",
                rule.what
            );
        }
    }
}

#[test]
fn known_tokens_are_found_anywhere() {
    let tokens = [
        "AKIA2E0A8F3B244C9986".to_owned(),
        "ASIA2E0A8F3B244C9986".to_owned(),
        format!("ghp_{}", "a1B2c3D4e5".repeat(4)),
        format!("gho_{}", "a1B2c3D4e5".repeat(4)),
        format!("ghs_{}", "a1B2c3D4e5".repeat(4)),
        format!(
            "github_pat_{}_{}",
            "11A_b2C".replace('_', "").repeat(4).split_at(22).0,
            "11A7b2".repeat(10).split_at(59).0
        ),
        format!("glpat-{}", "a1-B2_".repeat(4)),
        format!("sk_live_{}", "a1B2c3D4".repeat(3)),
        format!("AIza{}", "a1B2c".repeat(7)),
        format!("npm_{}", "a1B2c3D4e5f6".repeat(3)),
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
            .to_owned(),
    ];
    for token in tokens {
        let (found, node) = guarded(&format!("a:\n- x: 'curl -H \"{token}\" https://x'\n"));
        assert_eq!(found.concat(), token);
        assert!(!node.to_string().contains(&token));
        assert_eq!(masked(&token), "*".repeat(token.len()));
    }
}

#[test]
fn a_token_is_found_however_it_is_written() {
    let token = format!("ghp_{}", Dice(3).text(&letters('w'), 36));
    let (one, other) = token.split_at(20);
    for text in [
        format!("x{token}"),
        format!("\"a\\n{token}\\n\""),
        format!("token%3D{token}"),
        format!("{one}\\\n    {other}"),
        format!("-e A={token} -v"),
    ] {
        let masked = masked(&text);
        assert!(
            !masked.contains(one) && !masked.contains(other),
            "{text}: {masked}"
        );
    }
}

#[test]
fn a_credential_is_found_in_base64() {
    let base64 = |text: &str| {
        let alphabet = format!("{CAPITALS}{SMALL}{DIGITS}+/");
        let mut made = String::new();
        for three in text.as_bytes().chunks(3) {
            let bits = three
                .iter()
                .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
                << (8 * (3 - three.len()));
            for at in 0..=three.len() {
                made.push(char::from(alphabet.as_bytes()[bits >> (18 - 6 * at) & 63]));
            }
        }
        made
    };
    let token = format!("ghp_{}", Dice(5).text(&letters('w'), 36));
    for inner in [token.clone(), format!("u:{token}"), format!("ab{token}\n")] {
        let run = base64(&inner);
        assert_eq!(
            masked(&format!("a: {run}\n")),
            format!("a: {}\n", "*".repeat(run.len())),
            "{inner}"
        );
    }
    let user = base64("admin:S3cr3tPw9x");
    assert_eq!(found(&format!("Authorization: Basic {user}")).len(), 1);
    assert!(
        found(&format!(
            "Authorization: Basic {}",
            base64("admin:password")
        ))
        .is_empty()
    );
    assert!(
        found(&format!(
            "x: {}",
            base64("a text of words that nobody keeps a secret")
        ))
        .is_empty()
    );
}

#[test]
fn private_keys_are_found_with_their_lines() {
    let key = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----";
    let (found, node) = guarded(&format!("a: |\n  {}\n  after\n", key.replace('\n', "\n  ")));
    assert_eq!(found, [key.replace('\n', "\n  ")]);
    assert!(node.to_string().contains("after") && !node.to_string().contains("MHcC"));
    let body = Dice(9).text(&letters('w'), 64);
    for whole in [
        format!(
            "{{\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n{body}\\n-----END PRIVATE KEY-----\\n\"}}"
        ),
        format!(
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{body}\n-----END PGP PRIVATE KEY BLOCK-----"
        ),
        format!("+ -----BEGIN RSA PRIVATE KEY-----\n+ {body}\n+ {body}\nand what follows"),
        format!(
            "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n{body}\n---- END SSH2 ENCRYPTED PRIVATE KEY ----"
        ),
    ] {
        let masked = masked(&whole);
        assert!(
            !masked.contains(&body) && masked.contains("***"),
            "{masked}"
        );
        assert_eq!(
            whole.contains("follows"),
            masked.contains("and what follows"),
            "{masked}"
        );
    }
    for good in [
        "a: -----BEGIN PUBLIC KEY-----\n",
        "a: '-----BEGIN [A-Z ]*PRIVATE KEY-----'\n",
        "a: \"grep -q 'BEGIN RSA PRIVATE KEY' x\"\n",
        "a: \"grep -e '-----BEGIN PRIVATE KEY-----' keyfile1 && exit 1\"\n",
    ] {
        assert!(guarded(good).0.is_empty(), "{good}");
    }
}

#[test]
fn texts_made_to_keep_the_search_busy_do_not() {
    for piece in [
        "eyJ-",
        "eyJaaaaaaaaaa.",
        "AIza-",
        "://",
        "://a:b@",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY",
        "-----BEGIN PRIVATE KEY-----\\n",
        "github_pat_",
        "ops_eyJ",
        "Z2hwX",
        "token=",
        "password ",
        "\"kty\"",
        "PuTTY-User-Key-File-2:",
        "ghs_a",
        "\\\n",
        "Basic ",
        "${",
        "token=${",
        "mysql -",
        "sk-",
        "LS0tLS1CRUdJTi",
        "token: |\n",
        "a.atlasv1.",
    ] {
        let begun = std::time::Instant::now();
        tokens(&piece.repeat(200_000 / piece.len()));
        let took = begun.elapsed();
        assert!(
            took < std::time::Duration::from_secs(30),
            "{piece:?}: {took:?}"
        );
    }
}

#[test]
fn only_the_password_of_a_url_is_covered() {
    for (url, password) in [
        ("amqp://app:s3cr3tpw@mq:5672/x", "s3cr3tpw"),
        ("postgres://app:S3cr/tPw9x@db.example.com/x", "S3cr/tPw9x"),
        ("postgres://app:S3cr#tPw9x@db.example.com/x", "S3cr#tPw9x"),
        ("postgres://app:S3cr$tPw9x@db.example.com/x", "S3cr$tPw9x"),
        (
            "postgres://app:S3cr%21tPw9x@db.example.com/x",
            "S3cr%21tPw9x",
        ),
        ("redis://:S3cr3tPw9x@redis:6379/0", "S3cr3tPw9x"),
    ] {
        assert_eq!(guarded(&format!("a: '{url}'")).0, [password]);
    }
    for good in [
        "https://example.com/a:b@c",
        "postgres://$USER:$PASSWORD@db/x",
        "postgres://app:${DB_PASSWORD}@db/x",
        "postgres://postgres:postgres@localhost/test",
        "postgres://app:changeme@localhost/test",
        "postgres://user:hunter2@localhost/db",
        "postgres://dev:dev_password@db/app",
        "git@github.com:a/b.git",
        "https://user@host/",
        "http://localhost:3000/@scope/x",
        "https://cdn.example.com/a:b@1.2.3/x",
        "https://esm.sh:443@1",
        "https://username:token@github.com/a/b",
    ] {
        assert!(guarded(&format!("a: '{good}'")).0.is_empty(), "{good}");
    }
}

#[test]
fn random_values_are_found_in_the_place_of_a_secret() {
    for text in [
        "JWT_SECRET: { value: q8Zr2LwX9vKt4NbY7mPc }",
        "apiToken: q8Zr2LwX9vKt4NbY7mPc",
        "DB_PASSWORD: { value: { default: q8Zr2LwX9vKt4NbY7mPc } }",
        "env: [{ name: SIGNING_KEY, value: q8Zr2LwX9vKt4NbY7mPc }]",
        "SESSION_SECRET: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "tokens: [q8Zr2LwX9vKt4NbY7mPc]",
        "API_TOKEN: xkqzvbjwmhfgtplcdrnyxkqjvwzbmh",
        "API_TOKEN: '8203941756203948571620394857162039485716'",
        "API_TOKEN: q8Zr2LwX9vKt4Nb",
        "DB_PASSWORD: Tr0ub4dor&3-horse",
        "PUBLIC_API_SECRET: q8Zr2LwX9vKt4NbY7mPc",
        "a: 'export API_TOKEN=q8Zr2LwX9vKt4NbY7mPc'",
        "a: '<password>q8Zr2LwX9vKt4NbY7mPc</password>'",
        "a: 'login --token q8Zr2LwX9vKt4NbY7mPc'",
        "a: 'ENV API_TOKEN q8Zr2LwX9vKt4NbY7mPc'",
        "a: 'Server=db;User Id=sa;Password=S3cr3tPw9xQ;'",
        "a: 'jdbc:postgresql://db/x?user=app&password=S3cr3tPw9xQ'",
        "a: 'Authorization: Bearer q8Zr2LwX9vKt4NbY7mPc'",
        "a: 'Authorization: token 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b'",
        "a: 'os.getenv(\"API_KEY\", \"q8Zr2LwX9vKt4NbY7mPc\")'",
    ] {
        assert_eq!(guarded(text).0.len(), 1, "{text}");
    }
}

#[test]
fn placeholders_references_and_hashes_are_no_credentials() {
    for text in [
        "API_KEY: '${{ secrets.API_KEY }}'",
        "JWT_SECRET: { secret: { from: vault, key: entity-api/jwt/9f86d081884c7d65 } }",
        "JWT_SECRET: { secret: true, description: q8Zr2LwX9vKt4NbY7mPc }",
        "JWT_SECRET: { value: change-me-in-production-2024 }",
        "API_TOKEN: your-token-1a2B3c4D5e6F7g8H",
        "kms_key: 1234abcd-12ab-34cd-56ef-1234567890ab",
        "key: prod/9f86d081884c7d659a2feaa0/terraform.tfstate",
        "sha: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "image: node@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "aws: AKIAIOSFODNN7EXAMPLE",
        "public_key: q8Zr2LwX9vKt4NbY7mPc",
        "API_KEY: ghp_short",
        "tokens_per_minute: 100000",
        "secretName: entity-api-database-credentials",
        "bearerTokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token",
        "actions: { actions/create-github-app-token: 'bcd2ba49218906704ab6c1aa796996da409d3eb1 # v3.2.0' }",
        "uses: actions/create-github-app-token@bcd2ba49218906704ab6c1aa796996da409d3eb1",
        "token: arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/X-a1B2c3",
        "services: { token-proxy: { image: 'x', sha: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b } }",
        "password: 'mysecretpassword'",
        "POSTGRES_PASSWORD: postgres",
        "a: 'token: str = get_token(User1)'",
        "a: 'passwordEncoder: Argon2PasswordEncoder'",
        "a: 'password: Base64String'",
        "a: 'gpg --recv-keys 5BE8A3F6C8A5C01D106C0AD820B1A390B168D356'",
        "a: 'signingKey = xmlSecKeysMngrGetKey;'",
    ] {
        assert_eq!(guarded(text).0, Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_literal_is_accepted_where_it_stands_and_no_other() {
    let literal = "q8Zr2LwX9vKt4NbY7mPc";
    let accept = format!(
        "policy: {{ accept: [{{ code: LOOM0205, path: loom.yaml, literal: {}, reason: a fixture }}] }}",
        fingerprint(literal)
    );
    let look = |file: &str, value: &str| {
        let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
        let policy = sources.add("loom.yaml", accept.as_str());
        let policy = node::parse_one(&sources, policy, &mut out).expect("good YAML");
        sources.accept(crate::check::accept::Literal::all(&policy));
        let id = sources.add(file, format!("API_TOKEN: {value}"));
        let node = node::parse_one(&sources, id, &mut out).expect("good YAML");
        let node = guard(&node, &mut sources, &mut out);
        (
            out.iter().count(),
            node.to_json().to_string().contains(value),
        )
    };
    assert_eq!(look("loom.yaml", literal), (0, true), "it stays as it is");
    assert_eq!(look("loom.yaml", "q8Zr2LwX9vKt4NbY7mPd"), (1, false));
    assert_eq!(look("stories/a.yaml", literal), (1, false));
}

#[test]
fn the_checksum_of_a_github_token_says_that_it_was_issued() {
    // the alphabet and the checksum as the issuer describes them, computed here
    let digits = format!("{DIGITS}{CAPITALS}{SMALL}");
    let random = format!("example{}", Dice(11).text(&digits, 23));
    let mut checksum = crc32fast::hash(random.as_bytes());
    let mut end = String::new();
    for _ in 0..6 {
        end.insert(
            0,
            char::from(digits.as_bytes()[usize::try_from(checksum % 62).expect("small")]),
        );
        checksum /= 62;
    }
    assert_eq!(
        found(&format!("ghp_{random}{end}")).len(),
        1,
        "an issued one, whatever words are in it"
    );
    assert!(
        found(&format!("ghp_{random}AAAAAA")).is_empty(),
        "an example"
    );
}
