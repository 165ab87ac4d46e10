//! Words of a POSIX shell.
//!
//! In: any text. Out: a text that every POSIX shell takes for exactly that one word, or for a
//! comment (POSIX.1-2024, Shell Command Language, sections 2.2.2 and 2.3).

use std::borrow::Cow;

/// A word: as it is where it holds nothing special, else in single quotes. A NUL, which no
/// argument can hold, is left out.
pub fn word(text: &str) -> Cow<'_, str> {
    let plain = |b: u8| {
        b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'_' | b'@' | b'%' | b'+' | b':' | b',' | b'.' | b'/' | b'-'
            )
    };
    if !text.is_empty() && text.bytes().all(plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\0', "").replace('\'', "'\\''")).into()
}

/// Words with a blank between them.
pub fn words<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().map(word).collect::<Vec<_>>().join(" ")
}

/// A comment of one line; line ends and control characters in it become blanks.
pub fn comment(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("# {}", shown.trim()).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::HOSTILE;

    #[test]
    fn words_are_quoted_only_when_needed() {
        assert_eq!(
            words(["npm", "run", "a b", "", "it's", "$HOME", "a=b"]),
            "npm run 'a b' '' 'it'\\''s' '$HOME' 'a=b'"
        );
    }

    #[test]
    fn a_shell_reads_back_every_word() {
        let texts: Vec<String> = HOSTILE.iter().map(|text| text.replace('\0', "")).collect();
        let script = format!(
            "printf '%s\\0' {}\n{}\n",
            words(texts.iter().map(String::as_str)),
            comment("x\nexit 1")
        );
        #[expect(
            clippy::disallowed_methods,
            reason = "the shell itself is the judge of what is one word"
        )]
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .expect("there is a shell");
        assert!(output.status.success());
        let read = String::from_utf8(output.stdout).expect("UTF-8");
        let read: Vec<&str> = read
            .strip_suffix('\0')
            .expect("an end")
            .split('\0')
            .collect();
        assert_eq!(read, texts);
    }
}
