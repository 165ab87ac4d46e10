//! Scripts of a shell, as far as the rules look into them: whether something from the network is run unseen.
//!
//! In: the text of a script. Out: yes or no. This is no reader of the language: it knows the spellings in
//! which people write this, pipes and substitutions and a file that is run after it was fetched.

/// Programs that fetch.
const FETCH: &[&str] = &[
    "curl",
    "wget",
    "fetch",
    "aria2c",
    "iwr",
    "irm",
    "invoke-webrequest",
    "invoke-restmethod",
];
/// Programs that run what they are given.
const RUN: &[&str] = &[
    "sh",
    "bash",
    "zsh",
    "dash",
    "ash",
    "ksh",
    "fish",
    "python",
    "python2",
    "python3",
    "node",
    "deno",
    "bun",
    "perl",
    "ruby",
    "php",
    "pwsh",
    "powershell",
    "iex",
    "invoke-expression",
    "eval",
    "source",
    ".",
];
/// Those of them that are shells.
const SHELLS: &[&str] = &["sh", "bash", "zsh", "dash", "ash", "ksh", "fish"];
/// Words that stand before the program that is meant.
const BEFORE: &[&str] = &[
    "sudo", "doas", "env", "exec", "command", "nice", "nohup", "time", "then", "do", "else", "if",
    "!", "(",
];
/// What checks a file before it is run.
const CHECK: &[&str] = &[
    "sha256sum",
    "sha512sum",
    "sha1sum",
    "shasum",
    "b2sum",
    "gpg",
    "gpgv",
    "cosign",
    "minisign",
    "openssl",
    "rhash",
];

/// Whether a script runs what it fetches, and nothing checks it in between.
pub(super) fn runs_from_network(script: &str) -> bool {
    // lines that go on are one
    let script = script
        .replace("\\\r\n", " ")
        .replace("\\\n", " ")
        .to_ascii_lowercase();
    if !FETCH.iter().any(|program| script.contains(program)) {
        return false;
    }
    is_piped(&script) || is_substituted(&script) || is_run_later(&script)
}

/// The commands between `;`, `&&`, `||`, `&` and the ends of lines, each with its pipe.
fn commands(script: &str) -> Vec<&str> {
    let bytes = script.as_bytes();
    let is_end = |at: &usize| {
        let (before, after) = (bytes.get(at.wrapping_sub(1)), bytes.get(at + 1));
        match bytes[*at] {
            b';' | b'\n' => true,
            b'&' => !matches!(before, Some(b'>' | b'|')) && after != Some(&b'>'),
            b'|' => after == Some(&b'|') || before == Some(&b'|'),
            _ => false,
        }
    };
    let ends = (0..bytes.len()).filter(is_end);
    let (mut all, mut begin) = (Vec::new(), 0);
    for end in ends.chain([script.len()]) {
        all.push(&script[begin..end]);
        begin = (end + 1).min(script.len());
    }
    all
}

/// The words of a command without quotes, and without what stands before its program.
fn words(command: &str) -> Vec<&str> {
    let is_between =
        |it: char| it.is_whitespace() || matches!(it, '"' | '\'' | '`' | '(' | ')' | '{' | '}');
    let words = command.split(is_between).filter(|word| !word.is_empty());
    let is_before = |word: &&str| {
        BEFORE.contains(word) || word.starts_with('-') || word.contains('=') && !word.contains('/')
    };
    words.skip_while(is_before).collect()
}

fn is_one_of(word: &str, programs: &[&str]) -> bool {
    let program = if word == "." {
        word
    } else {
        word.rsplit('/').next().unwrap_or(word)
    };
    let program = program.strip_suffix(".exe").unwrap_or(program);
    programs.contains(&program)
}

/// `curl … | sh`, with anything between and before it.
fn is_piped(script: &str) -> bool {
    commands(script).into_iter().any(|command| {
        let mut parts = command
            .split('|')
            .map(|part| words(part.trim_start_matches('&')));
        let fetches = |words: &Vec<&str>| words.iter().any(|word| is_one_of(word, FETCH));
        parts.any(|part| fetches(&part)) && parts.any(|part| runs_its_input(&part))
    })
}

/// Whether a program runs what comes to it through a pipe, and no text of its own: `python3 -m json.tool`
/// only reads it.
fn runs_its_input(words: &[&str]) -> bool {
    let Some((program, rest)) = words.split_first() else {
        return false;
    };
    let own: &[&str] = if is_one_of(program, SHELLS) {
        &["-c"]
    } else {
        &[
            "-c", "-m", "-e", "-n", "-p", "-r", "--eval", "-le", "-pe", "-ne",
        ]
    };
    is_one_of(program, RUN) && !rest.first().is_some_and(|first| own.contains(first))
}

/// ``sh -c "$(curl …)"``, `bash <(wget …)`, `eval` of backquotes.
fn is_substituted(script: &str) -> bool {
    commands(script).into_iter().any(|command| {
        let runs = || {
            words(command)
                .first()
                .is_some_and(|word| is_one_of(word, RUN))
        };
        ["$(", "<(", "`"].iter().any(|open| {
            let inside = command.split(open).skip(1);
            let fetches = |text: &str| {
                words(text)
                    .first()
                    .is_some_and(|word| is_one_of(word, FETCH))
            };
            inside.filter(|text| fetches(text)).count() > 0 && runs()
        })
    })
}

/// A file that is fetched, and run by a later command.
fn is_run_later(script: &str) -> bool {
    let commands: Vec<Vec<&str>> = commands(script).into_iter().map(words).collect();
    if commands.iter().flatten().any(|word| is_one_of(word, CHECK)) {
        return false;
    }
    commands.iter().enumerate().any(|(at, command)| {
        if !command.first().is_some_and(|word| is_one_of(word, FETCH)) {
            return false;
        }
        let files = fetched(command);
        commands[at + 1..].iter().any(|later| {
            let is_file = |word: &&str| {
                files
                    .iter()
                    .any(|file| word.trim_start_matches("./") == file.trim_start_matches("./"))
            };
            match later.split_first() {
                Some((first, _)) if is_file(first) => true,
                Some((first, rest)) => is_one_of(first, RUN) && rest.iter().any(is_file),
                None => false,
            }
        })
    })
}

/// The files that a command fetches into: those it names, else the last step of the address.
fn fetched<'a>(command: &[&'a str]) -> Vec<&'a str> {
    let mut files: Vec<&str> = Vec::new();
    for (at, word) in command.iter().enumerate() {
        let next = command.get(at + 1).copied();
        match *word {
            "-o" | "--output" | "--output-document" | ">" | "-outfile" => files.extend(next),
            word if word.starts_with('-') && !word.starts_with("--") && word.ends_with('o') => {
                files.extend(next);
            }
            word => {
                let named = ["--output=", "--output-document=", ">"];
                files.extend(named.iter().filter_map(|it| word.strip_prefix(it)));
            }
        }
    }
    let addresses = command.iter().filter(|word| word.contains("://"));
    files.extend(addresses.filter_map(|address| address.rsplit('/').next()));
    files.retain(|file| !file.is_empty() && *file != "-" && *file != "/dev/null");
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fetched_and_run_is_seen_however_it_is_spelt() {
        for script in [
            "curl https://x/i.sh | sh",
            "curl -sSL https://x/i.sh|bash -s -- --yes",
            "set -e; curl https://x |\\\n  sudo -E bash",
            "wget -qO- https://x | sudo env A=b /bin/bash",
            "curl https://x | tee log | sh",
            "cd /tmp && { curl https://x | python3 -; }",
            "sh -c \"$(curl -fsSL https://x)\"",
            "bash -c '`wget -qO- https://x`'",
            "sh <(curl https://x)",
            ". <(curl https://x)",
            "source <( wget -O - https://x )",
            "eval \"$(curl https://x)\"",
            "sudo bash -c \"$( /usr/bin/curl https://x )\"",
            "curl -o /x https://x && sh /x",
            "curl -fsSLo i.sh https://x/y; chmod +x i.sh; ./i.sh",
            "wget https://x/install.sh\nbash install.sh",
            "curl https://x/y > i.sh && bash ./i.sh",
            "if true; then curl https://x | sh; fi",
            "iwr https://x | iex",
            "curl https://x |& bash -e",
        ] {
            assert!(runs_from_network(script), "{script}");
        }
    }

    #[test]
    fn what_is_only_fetched_or_checked_is_let_be() {
        for script in [
            "curl -fsS https://x/health",
            "curl https://x | tar xz",
            "curl https://x | jq -r .sh",
            "curl https://x | python3 -m json.tool",
            "curl https://x | node -e 'read()'",
            "curl -o i.sh https://x && sha256sum -c sums && sh i.sh",
            "curl -o a.tgz https://x && tar xf a.tgz && sh other.sh",
            "version=$(curl https://x)",
            "echo \"$(curl https://x)\"",
            "bash build.sh; curl https://x",
            "apt-get install -y curl && sh build.sh",
            "curl https://x/a || bash recover.sh",
        ] {
            assert!(!runs_from_network(script), "{script}");
        }
    }
}
