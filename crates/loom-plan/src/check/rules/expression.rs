//! Expressions of GitHub Actions, as far as the rules look into them: which values of the context they pass on.
//!
//! In: what stands between `${{` and `}}`. Out: paths such as `github.event.issue.title`, in lower case,
//! with `*` for any entry of a list; however they are written: `github['event']`, `GitHub.Event . Issue`,
//! within functions. What is only compared or asked about is not passed on: `true` is no text of anybody.

/// Functions that answer yes or no, or a hash.
const ANSWERS: &[&str] = &[
    "contains",
    "startswith",
    "endswith",
    "hashfiles",
    "success",
    "failure",
    "always",
    "cancelled",
];

/// The expressions of a text.
pub(super) fn expressions(text: &str) -> impl Iterator<Item = &str> {
    text.split("${{")
        .skip(1)
        .filter_map(|rest| rest.split_once("}}"))
        .map(|(expression, _)| expression.trim())
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    /// A path of the context.
    Path(String),
    /// The name of a function; its parenthesis follows.
    Call(String),
    Open,
    Close,
    /// `==`, `!=`, `<` and the like.
    Compare,
    Not,
    Other,
}

/// The paths whose values an expression passes on.
pub(super) fn passed_on(expression: &str) -> Vec<String> {
    let tokens = tokens(&expression.to_ascii_lowercase());
    let (mut found, mut asked) = (Vec::new(), Vec::new());
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Call(name) => asked.push(ANSWERS.contains(&name.as_str())),
            Token::Open
                if !matches!(
                    at.checked_sub(1).map(|at| &tokens[at]),
                    Some(Token::Call(_))
                ) =>
            {
                asked.push(false);
            }
            Token::Close => drop(asked.pop()),
            Token::Path(path) => {
                let before = at.checked_sub(1).map(|at| &tokens[at]);
                let is_compared = [before, tokens.get(at + 1)].contains(&Some(&Token::Compare));
                let is_denied = before == Some(&Token::Not);
                if !is_compared && !is_denied && !asked.contains(&true) {
                    found.push(path.clone());
                }
            }
            Token::Open | Token::Compare | Token::Not | Token::Other => {}
        }
    }
    found
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut all, mut at) = (Vec::new(), 0);
    while let Some(first) = chars.get(at) {
        match first {
            '\'' => {
                at = end_of_string(&chars, at);
                all.push(Token::Other);
                continue;
            }
            '(' => all.push(Token::Open),
            ')' => all.push(Token::Close),
            '=' | '<' | '>' => {
                all.push(Token::Compare);
                at += usize::from(chars.get(at + 1) == Some(&'='));
            }
            '!' if chars.get(at + 1) == Some(&'=') => {
                all.push(Token::Compare);
                at += 1;
            }
            '!' => all.push(Token::Not),
            '&' | '|' | ',' => all.push(Token::Other),
            it if it.is_alphabetic() || *it == '_' => {
                let (path, end) = path(&chars, at);
                at = end;
                let next = (at..chars.len()).find(|at| !chars[*at].is_whitespace());
                let is_call = next.is_some_and(|at| chars[at] == '(');
                all.push(if is_call {
                    Token::Call(path)
                } else {
                    Token::Path(path)
                });
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    all
}

/// Behind a string that begins at a quote; two quotes in it are one.
fn end_of_string(chars: &[char], begin: usize) -> usize {
    let mut at = begin + 1;
    while let Some(it) = chars.get(at) {
        if *it == '\'' {
            if chars.get(at + 1) != Some(&'\'') {
                return at + 1;
            }
            at += 1;
        }
        at += 1;
    }
    at
}

/// A path that begins here, and where it ends.
fn path(chars: &[char], begin: usize) -> (String, usize) {
    let is_name = |it: &char| it.is_alphanumeric() || matches!(it, '_' | '-');
    let name = |at: usize| -> (String, usize) {
        let end = (at..chars.len())
            .find(|at| !is_name(&chars[*at]))
            .unwrap_or(chars.len());
        (chars[at..end].iter().collect(), end)
    };
    let blank = |at: usize| {
        (at..chars.len())
            .find(|at| !chars[*at].is_whitespace())
            .unwrap_or(chars.len())
    };
    let (mut path, mut at) = name(begin);
    loop {
        let next = blank(at);
        match chars.get(next) {
            Some('.') => {
                let begin = blank(next + 1);
                let (step, end) = match chars.get(begin) {
                    Some('*') => ("*".to_owned(), begin + 1),
                    _ => name(begin),
                };
                path = format!("{path}.{step}");
                at = end.max(next + 1);
            }
            Some('[') => {
                let begin = blank(next + 1);
                let close = |at: usize| {
                    (at..chars.len())
                        .find(|at| chars[*at] == ']')
                        .map_or(chars.len(), |at| at + 1)
                };
                let (step, end) = match chars.get(begin) {
                    Some('\'') => {
                        let end = end_of_string(chars, begin);
                        let text: String = chars[begin + 1..end.saturating_sub(1).max(begin + 1)]
                            .iter()
                            .collect();
                        (text, close(end))
                    }
                    // a number, `*`, or a name that is known only when it runs
                    _ => ("*".to_owned(), close(begin)),
                };
                path = format!("{path}.{step}");
                at = end;
            }
            _ => return (path, at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_same_however_it_is_written() {
        let title = "github.event.pull_request.title";
        for expression in [
            "github.event.pull_request.title",
            "GitHub.Event.Pull_Request.TITLE",
            "github['event']['pull_request']['title']",
            "github [ 'event' ] . pull_request['title']",
            "format('{0}', github.event.pull_request.title)",
            "github.event.pull_request.title || 'none'",
            "'a''b' && (github.event.pull_request.title)",
            "true && toJSON(github.event.pull_request.title)",
        ] {
            assert_eq!(
                passed_on(expression).last().map(String::as_str),
                Some(title),
                "{expression}"
            );
        }
        assert_eq!(
            passed_on("join(github.event.commits.*.message)"),
            ["github.event.commits.*.message"]
        );
        assert_eq!(
            passed_on("github.event.pages[0].page_name"),
            ["github.event.pages.*.page_name"]
        );
        assert_eq!(passed_on("github.event[inputs.key]"), ["github.event.*"]);
        assert_eq!(passed_on("toJson(github)"), ["github"]);
    }

    #[test]
    fn what_is_only_asked_about_is_not_passed_on() {
        for expression in [
            "github.head_ref == 'main'",
            "'main' != github.head_ref",
            "contains(github.event.issue.title, 'x')",
            "!github.event.issue.title",
            "startsWith(format('{0}', github.head_ref), 'x')",
            "'github.event.issue.title'",
            "",
            "[",
            "a[",
            "'",
        ] {
            let found = passed_on(expression);
            assert!(
                found.iter().all(|path| !path.starts_with("github")),
                "{expression}: {found:?}"
            );
        }
    }
}
