//! What a value says of itself: random, a password that somebody chose, or a placeholder.
//!
//! In: a value. Out: whether it can be a credential. Words are told from random letters by which
//! letters follow each other in English and in the names of programs.

use super::name::Named;

/// What high entropy in a secret's place is called.
pub(super) const RANDOM: &str = "a random value in a secret's place";
/// What a password that somebody chose is called.
pub(super) const PASSWORD: &str = "a password in its place";

/// The letters that follow each letter, in at least 20 of the 7775 most frequent words of
/// documents and sources of programs.
const FOLLOWING: [&[u8]; 26] = [
    b"bcdfgiklmnprstuvwy",
    b"acefilorstu",
    b"acdehiklorstuy",
    b"abcdefilorsuy",
    b"abcdefgilmnopqrstuvwx",
    b"acefilortu",
    b"aehilnorsu",
    b"aeiortu",
    b"abcdefglmnoprstvxz",
    b"aeou",
    b"aeis",
    b"adeilostuvy",
    b"abeimopsu",
    b"acdefgiklnopstuv",
    b"abcdfgiklmnoprstuvw",
    b"aehiloprstu",
    b"u",
    b"abcdefgiklmnoprstuvy",
    b"acehiklmnopstuwy",
    b"acehilmoprstuy",
    b"abcdefgilmnprst",
    b"aeio",
    b"aehinors",
    b"ceipt",
    b"inps",
    b"ae",
];

/// Where a value stands, which says what may be read into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It is a text: quoted, or a value of a data format.
    Literal,
    /// It may be an expression of a program.
    Bare,
}

/// What a value is in the place of a secret.
pub(super) fn judge(named: Named, value: &str, written: Written) -> Option<&'static str> {
    let value = literal_part(value.trim());
    let value = value.as_str();
    if value.len() < 8 || value.len() > 8192 || is_elsewhere(value) {
        return None;
    }
    if written == Written::Bare && is_expression(value) {
        return None;
    }
    if value.ends_with("...") || value.ends_with('…') {
        return None;
    }
    let random = is_random(value) || (named != Named::Key && is_random_uuid(value));
    let chosen = match (named, written) {
        (Named::Password, Written::Literal) => is_password(value),
        (Named::Password, Written::Bare) => is_password(value) && is_tangled(value),
        (Named::Secret, _) => is_password(value) && is_tangled(value) && has_sign(value),
        (Named::Key, _) => false,
    };
    if !(random || chosen) || is_placeholder(value) || is_alphabet(value.as_bytes()) {
        return None;
    }
    Some(if random { RANDOM } else { PASSWORD })
}

/// A value without what is put in later: `${NAME}`, `$(command)`, `{{ name }}`, `$NAME`, `<name>`.
pub(super) fn literal_part(value: &str) -> String {
    let mut rest = value.replace("$${", "$$ {");
    for (open, close) in [
        ("${{", "}}"),
        ("${", "}"),
        ("$(", ")"),
        ("{{", "}}"),
        ("<", ">"),
        ("#{", "}"),
        ("%{", "}"),
    ] {
        while let Some(start) = rest.find(open) {
            let end = rest[start..]
                .find(close)
                .map_or(rest.len(), |end| start + end + close.len());
            rest.replace_range(start..end, "");
        }
    }
    let name = rest
        .strip_prefix('$')
        .map(|name| name.trim_start_matches("env:"));
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    let percent = rest
        .strip_prefix('%')
        .and_then(|rest| rest.strip_suffix('%'));
    if name.is_some_and(is_name) || percent.is_some_and(is_name) {
        return String::new();
    }
    rest
}

/// Whether a value says where something is: an address, a path, a name in a manager, a pin.
fn is_elsewhere(value: &str) -> bool {
    let begins = [
        "/",
        "./",
        "../",
        "~/",
        "arn:",
        "projects/",
        "alias/",
        "vault:",
        "op://",
        "ref:",
        "file:",
        "env:",
        "ssm:",
        "sha256:",
        "sha512-",
        "sha384-",
        "sha1-",
        "h1:",
        "git@",
        "ENC[",
        "vault/",
        "ssh-",
        "$2a$",
        "$2b$",
        "$2y$",
        "$6$",
        "pbkdf2:",
        "data:",
    ];
    let ends = [
        ".pem",
        ".key",
        ".json",
        ".txt",
        ".crt",
        ".yaml",
        ".yml",
        ".env",
        ".p12",
        ".jks",
        ".zip",
        ".example.com",
        ".tgz",
        ".gz",
    ];
    let lower = value.to_ascii_lowercase();
    value.contains("://")
        || value.contains("@sha256:")
        || value.contains(char::is_whitespace)
        || begins.iter().any(|begin| value.starts_with(begin))
        || ends.iter().any(|end| lower.ends_with(end))
        || value.split_once('@').is_some_and(|(before, pin)| {
            before.contains('/')
                && pin
                    .bytes()
                    .all(|byte| byte.is_ascii_hexdigit() || byte == b'.')
        })
}

/// Whether a bare value is a name or a call in a program: `config.password`, `read(x`, `a::b`.
fn is_expression(value: &str) -> bool {
    let parts = || value.split(['.', ':']).filter(|part| !part.is_empty());
    let is_name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !is_random(part)
    };
    value.contains(['[', '{'])
        || !value.bytes().any(|byte| byte.is_ascii_digit())
        || value.contains("->")
        || (parts().count() > 1 && parts().all(is_name))
}

/// Whether a value is a password as careful people choose one: eight characters, three sorts.
pub(super) fn is_password(value: &str) -> bool {
    let holds = |is: fn(u8) -> bool| u8::from(value.bytes().any(is));
    let sorts = holds(|byte| byte.is_ascii_lowercase())
        + holds(|byte| byte.is_ascii_uppercase())
        + holds(|byte| byte.is_ascii_digit())
        + holds(|byte| !byte.is_ascii_alphanumeric());
    value.len() >= 8 && sorts >= 3 && !value.contains(char::is_whitespace) && !is_common(value)
}

/// Whether digits or signs stand within words: `Tr0ub4dor`, not `Base64String`.
pub(super) fn is_tangled(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.windows(3).any(|three| {
        three[0].is_ascii_alphabetic()
            && (three[1].is_ascii_digit() || is_sign(three[1]))
            && three[2].is_ascii_lowercase()
    })
}

fn is_sign(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*' | b'+' | b'=' | b'?' | b'@' | b'~'
    )
}

fn has_sign(value: &str) -> bool {
    value.bytes().any(is_sign)
}

/// Passwords that stand for one, also with digits for letters.
fn is_common(value: &str) -> bool {
    let plain: String = value
        .trim_end_matches(|c: char| !c.is_ascii_alphabetic())
        .chars()
        .map(|c| match c {
            '0' => 'o',
            '1' => 'i',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            c => c.to_ascii_lowercase(),
        })
        .filter(char::is_ascii_alphabetic)
        .collect();
    [
        "password",
        "passwd",
        "secret",
        "mypassword",
        "welcome",
        "letmein",
        "changeme",
        "qwerty",
        "test",
        "testpassword",
        "rootpassword",
        "admin",
        "adminpassword",
        "supersecret",
        "topsecret",
        "mysecret",
        "mysecretpassword",
        "postgres",
    ]
    .contains(&plain.as_str())
}

/// Words that say wherever they stand that a literal only stands for a credential.
const PLACEHOLDERS: &[&str] = &[
    "example",
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "xxxx",
    "redacted",
    "replaceme",
    "replace-me",
    "replace_me",
    "not-a-real",
    "notareal",
    "your-",
    "your_",
    "insert-",
    "****",
    "....",
    "deadbeef",
    "john doe",
];
/// Words that say so where they stand alone.
const WORDS: &[&str] = &[
    "your", "dummy", "fake", "test", "testing", "demo", "sample", "mock", "foo", "bar", "baz",
    "secret", "token", "password", "passwd", "pass", "pw", "pwd", "key", "none", "null", "dev",
    "local", "default", "invalid", "bogus", "here", "value", "todo", "tbd", "fixme", "admin",
    "root", "user", "username", "postgres", "mysql", "guest", "my", "not", "real", "some", "api",
    "abc", "change", "me", "please", "insert", "enter", "put", "super",
];

/// Whether a literal only stands for a credential.
pub(super) fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    if PLACEHOLDERS.iter().any(|word| lower.contains(word)) || is_dull(value.as_bytes()) {
        return true;
    }
    let mut dropped = false;
    let mut rest = String::new();
    for piece in value.split(|c: char| !c.is_ascii_alphanumeric()) {
        for part in parts(piece.as_bytes()) {
            let word = part.to_ascii_lowercase();
            let alone = part.len() == piece.len() || part.len() >= 5;
            let is_word = |known: &str| known.as_bytes() == word.as_slice();
            if alone && WORDS.iter().any(|known| is_word(known)) {
                dropped = true;
            } else {
                rest.extend(part.iter().map(|byte| char::from(*byte)));
            }
        }
    }
    dropped && !(is_random(&rest) || is_password(&rest))
}

/// Whether bytes are few different ones, or most of them the same: `xxxx`, `0000`, `abababab`.
fn is_dull(bytes: &[u8]) -> bool {
    let mut counts = [0_usize; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let different = counts.iter().filter(|count| **count > 0).count();
    let most = counts.iter().max().copied().unwrap_or_default();
    bytes.len() >= 8 && (different <= 4 || most * 2 > bytes.len())
}

/// Whether bytes follow each other as in the alphabet. Of a token of a known form that proves
/// nothing: it may be one all the same.
fn is_alphabet(bytes: &[u8]) -> bool {
    let next = |pair: &&[u8]| pair[1] == pair[0].wrapping_add(1) || pair[1] == pair[0];
    bytes.len() >= 8 && bytes.windows(2).filter(next).count() * 2 >= bytes.len()
}

/// Whether a text reads as words without a digit among them, as no random text does.
pub(super) fn is_prose(text: &str) -> bool {
    let measured = Measured::of(text.as_bytes());
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() >= 12 && digits <= 1 && measured.pairs >= 8 && measured.odd * 8 <= measured.pairs
}

/// What tells words from random letters.
#[derive(Default)]
struct Measured {
    /// Pairs of letters within words.
    pairs: usize,
    /// Those that hardly follow each other.
    odd: usize,
    /// Words and numbers.
    parts: usize,
    /// Letters and digits.
    length: usize,
    /// The longest run of letters and digits.
    longest: usize,
}

impl Measured {
    fn of(bytes: &[u8]) -> Self {
        let mut all = Self::default();
        for piece in bytes.split(|byte| !byte.is_ascii_alphanumeric()) {
            all.longest = all.longest.max(piece.len());
            for part in parts(piece) {
                all.parts += 1;
                all.length += part.len();
                for pair in part.windows(2).filter(|_| part[0].is_ascii_alphabetic()) {
                    let index = usize::from(pair[0].to_ascii_lowercase() - b'a');
                    let follows = FOLLOWING[index].contains(&pair[1].to_ascii_lowercase());
                    all.pairs += 1;
                    all.odd += usize::from(!follows);
                }
            }
        }
        all
    }
}

/// The words and numbers of a run of letters and digits: `userId2` has three.
fn parts(run: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = run;
    std::iter::from_fn(move || {
        let first = *rest.first()?;
        let count = |is: fn(&u8) -> bool, from: usize| {
            rest[from..].iter().take_while(|byte| is(byte)).count()
        };
        let length = if first.is_ascii_digit() {
            count(u8::is_ascii_digit, 0)
        } else if first.is_ascii_lowercase() {
            count(u8::is_ascii_lowercase, 0)
        } else {
            match (count(u8::is_ascii_uppercase, 0), rest) {
                (1, _) => 1 + count(u8::is_ascii_lowercase, 1),
                // `HTTPServer`: the last capital begins the next word
                (capitals, rest) if rest.get(capitals).is_some_and(u8::is_ascii_lowercase) => {
                    capitals - 1
                }
                (capitals, _) => capitals,
            }
        };
        let (part, after) = rest.split_at(length);
        rest = after;
        Some(part)
    })
}

/// Whether a text is one long run of letters and digits without a pattern.
pub(super) fn is_random(text: &str) -> bool {
    let bytes = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    let usual = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b'~' | b':')
            || is_sign(*byte)
    };
    if bytes.len() < 12
        || !bytes.iter().all(usual)
        || is_uuid(text)
        || is_dull(bytes)
        || is_alphabet(bytes)
    {
        return false;
    }
    let count = |is: fn(&u8) -> bool| bytes.iter().filter(|byte| is(byte)).count();
    let digits = count(u8::is_ascii_digit);
    if digits == bytes.len() {
        return digits >= 20;
    }
    if bytes.iter().all(u8::is_ascii_hexdigit) && digits >= 2 && bytes.len() >= 16 {
        return true;
    }
    let Measured {
        pairs,
        odd,
        parts,
        length,
        longest,
    } = Measured::of(bytes);
    let odd = odd >= 2 && odd * 4 >= pairs && (parts * 4 >= length || length >= 16);
    let broken = parts * 100 >= length * 55 && length >= 14;
    longest >= 8 && length >= 12 && (odd || broken)
}

fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    text.len() == 36
        && text.split('-').map(str::len).eq(lengths)
        && text
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Whether a text is a UUID that was drawn: of version 4, and not made of a pattern.
fn is_random_uuid(text: &str) -> bool {
    is_uuid(text) && text.as_bytes()[14] == b'4' && !is_dull(text.as_bytes())
}

/// Whether a GitHub token ends in the checksum of what stands before: such a token was issued,
/// whatever words are in it.
pub(super) fn has_checksum(token: &str) -> bool {
    let Some(body) = token
        .get(4..)
        .filter(|body| token.starts_with("gh") && body.len() == 36 && body.is_ascii())
    else {
        return false;
    };
    let (random, checksum) = body.split_at(30);
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let value = checksum.bytes().try_fold(0_u64, |value, byte| {
        let digit = digits.iter().position(|digit| *digit == byte)?;
        Some(value * 62 + u64::try_from(digit).ok()?)
    });
    value == Some(u64::from(crc32fast::hash(random.as_bytes())))
}
