//! Texts of the JSON configuration syntax become expressions of native HCL.
//!
//! In: a text as it stands in JSON. Out: the expression, spaced as `terraform fmt` spaces it, or
//! why it is none. Between tokens this follows `spaceAfterToken` of hclwrite
//! (hashicorp/hcl, `hclwrite/format.go`), so that formatting again changes nothing; what is more
//! than a plain traversal is parsed, so that nothing invalid is written.
//!
//! Deliberately not here: heredocs and comments inside an expression, which are refused.

/// A text as an expression: `${…}` and nothing else is bare, all else is a quoted template.
pub(super) fn from_text(text: &str) -> Result<String, String> {
    match whole(text) {
        Some(inner) => bare(inner),
        None => quoted(text),
    }
}

/// A reference that Terraform expects without `${…}`: `type`, `depends_on` and their like.
pub(super) fn reference(text: &str) -> Result<String, String> {
    bare(whole(text).unwrap_or(text))
}

/// A template in quotes.
pub(super) fn quoted(text: &str) -> Result<String, String> {
    let written = format!("\"{}\"", template(text, escape)?);
    if written.contains("${") || written.contains("%{") {
        parses(&written)?;
    }
    Ok(written)
}

/// The lines of a template as they stand in a heredoc; `None` where a heredoc cannot hold it, or
/// where a reader would take off blanks that belong to the text.
pub(super) fn heredoc(text: &str) -> Option<Result<Vec<String>, String>> {
    let body = text.strip_suffix('\n')?;
    let lines: Vec<&str> = body.split('\n').collect();
    let flush = lines
        .iter()
        .any(|line| line.starts_with(|c: char| !c.is_whitespace()));
    let clean = lines
        .iter()
        .all(|line| !line.ends_with(char::is_whitespace) && line.trim() != "EOT");
    let shown = !body.chars().any(|c| c != '\n' && is_hidden(c));
    // a sequence that begins on one line and ends on another would be moved onto one
    let whole = lines.iter().all(|line| {
        Lexer::new(line)
            .template(|_| None)
            .is_ok_and(|inner| !inner.contains("%{"))
    });
    if lines.len() < 2 || !flush || !clean || !shown || !whole {
        return None;
    }
    let written = |line| quoted(line).and_then(|_| template(line, |_| None));
    Some(lines.into_iter().map(written).collect())
}

/// The expression of a text that is wholly one `${…}`.
fn whole(text: &str) -> Option<&str> {
    let mut lexer = Lexer::new(text.strip_prefix("${")?);
    lexer.tokens(End::Brace).ok()?;
    let inner = lexer.text.get(..lexer.at)?;
    let rest = lexer.text.get(lexer.at..)?;
    (rest == "}" && !inner.starts_with('~') && !inner.ends_with('~')).then_some(inner)
}

fn bare(text: &str) -> Result<String, String> {
    let tokens = Lexer::new(text).tokens(End::Text)?;
    let written = spaced(&tokens);
    let traversal = tokens
        .first()
        .is_some_and(|token| token.kind == Kind::Ident)
        && tokens
            .iter()
            .all(|token| matches!(token.kind, Kind::Ident | Kind::Dot))
        && tokens.windows(2).all(|pair| pair[0].kind != pair[1].kind)
        && tokens.last().is_some_and(|token| token.kind == Kind::Ident);
    if !traversal {
        parses(&written)?;
    }
    Ok(written)
}

fn parses(written: &str) -> Result<(), String> {
    let parsed: Result<hcl_edit::expr::Expression, _> = written.parse();
    parsed.map(drop).map_err(|error| error.message().to_owned())
}

fn template(text: &str, escape: fn(char) -> Option<String>) -> Result<String, String> {
    Lexer::new(text).template(escape)
}

/// How a character is written between quotes, where not as itself.
pub(super) fn escape(c: char) -> Option<String> {
    match c {
        '"' => Some("\\\"".to_owned()),
        '\\' => Some("\\\\".to_owned()),
        '\n' => Some("\\n".to_owned()),
        '\r' => Some("\\r".to_owned()),
        '\t' => Some("\\t".to_owned()),
        c if is_hidden(c) && u32::from(c) <= 0xffff => Some(format!("\\u{:04x}", u32::from(c))),
        _ => None,
    }
}

/// Control characters, other line ends, and what hides or reorders the text around it.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ident,
    Number,
    /// A whole quoted template.
    Template,
    Open,
    Close,
    OpenBrace,
    CloseBrace,
    Comma,
    Dot,
    DoubleColon,
    Ellipsis,
    Minus,
    Bang,
    /// What a value may follow: after it a minus is a sign.
    Operator,
}

#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    text: String,
}

/// What ends a run of tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Text,
    /// The `}` (or `~}`) of a template's sequence.
    Brace,
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

/// Longest first.
const OPERATORS: &[(&str, Kind)] = &[
    ("...", Kind::Ellipsis),
    ("::", Kind::DoubleColon),
    ("==", Kind::Operator),
    ("!=", Kind::Operator),
    ("<=", Kind::Operator),
    (">=", Kind::Operator),
    ("=>", Kind::Operator),
    ("&&", Kind::Operator),
    ("||", Kind::Operator),
    ("(", Kind::Open),
    ("[", Kind::Open),
    (")", Kind::Close),
    ("]", Kind::Close),
    ("{", Kind::OpenBrace),
    ("}", Kind::CloseBrace),
    (",", Kind::Comma),
    (".", Kind::Dot),
    ("-", Kind::Minus),
    ("!", Kind::Bang),
    ("+", Kind::Operator),
    ("*", Kind::Operator),
    ("/", Kind::Operator),
    ("%", Kind::Operator),
    ("<", Kind::Operator),
    (">", Kind::Operator),
    ("=", Kind::Operator),
    ("?", Kind::Operator),
    (":", Kind::Operator),
];

impl<'a> Lexer<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn take(&mut self, length: usize) -> &'a str {
        let start = self.at;
        self.at += length;
        &self.text[start..self.at]
    }

    /// A template outside quotes, to the end of the text.
    fn template(&mut self, escape: fn(char) -> Option<String>) -> Result<String, String> {
        let mut out = String::new();
        while let Some(c) = self.rest().chars().next() {
            if self.rest().starts_with("$${") || self.rest().starts_with("%%{") {
                out.push_str(self.take(3));
            } else if self.rest().starts_with("${") || self.rest().starts_with("%{") {
                out.push_str(&self.sequence()?);
            } else {
                self.take(c.len_utf8());
                match escape(c) {
                    Some(escaped) => out.push_str(&escaped),
                    None => out.push(c),
                }
            }
        }
        Ok(out)
    }

    /// A template in quotes inside an expression, its escapes as they are.
    fn quoted(&mut self) -> Result<Token, String> {
        let mut out = self.take(1).to_owned();
        loop {
            let rest = self.rest();
            let Some(c) = rest.chars().next() else {
                return Err("a quote is not closed".to_owned());
            };
            if rest.starts_with("$${") || rest.starts_with("%%{") {
                out.push_str(self.take(3));
            } else if rest.starts_with("${") || rest.starts_with("%{") {
                out.push_str(&self.sequence()?);
            } else if c == '\\' {
                let escaped = rest[1..].chars().next().ok_or("a quote is not closed")?;
                out.push_str(self.take(1 + escaped.len_utf8()));
            } else if c.is_control() {
                return Err("a text in quotes holds a line end or a control character: write it as an escape".to_owned());
            } else {
                out.push_str(self.take(c.len_utf8()));
                if c == '"' {
                    return Ok(Token {
                        kind: Kind::Template,
                        text: out,
                    });
                }
            }
        }
    }

    /// `${…}` or `%{…}` of a template.
    fn sequence(&mut self) -> Result<String, String> {
        let mut out = self.take(2).to_owned();
        if self.rest().starts_with('~') {
            out.push_str(self.take(1));
        }
        let tokens = self.tokens(End::Brace)?;
        if tokens
            .first()
            .is_some_and(|token| token.kind == Kind::OpenBrace)
        {
            out.push(' ');
        }
        out.push_str(&spaced(&tokens));
        if tokens
            .last()
            .is_some_and(|token| token.kind == Kind::CloseBrace)
        {
            out.push(' ');
        }
        let end = if self.rest().starts_with('~') { 2 } else { 1 };
        out.push_str(self.take(end));
        Ok(out)
    }

    /// Tokens up to the end, which is left. Line ends are gone: inside an object they become
    /// commas, elsewhere they mean nothing.
    fn tokens(&mut self, end: End) -> Result<Vec<Token>, String> {
        let (mut tokens, mut open): (Vec<Token>, Vec<char>) = (Vec::new(), Vec::new());
        let mut comma = false;
        loop {
            let rest = self.rest();
            if open.is_empty()
                && end == End::Brace
                && (rest.starts_with('}') || rest.starts_with("~}"))
            {
                return Ok(tokens);
            }
            let Some(c) = rest.chars().next() else {
                let closed = open.is_empty() && end == End::Text;
                return if closed {
                    Ok(tokens)
                } else {
                    Err("a bracket is not closed".to_owned())
                };
            };
            if matches!(c, ' ' | '\t' | '\r' | '\n') {
                self.take(1);
                let separates = tokens
                    .last()
                    .is_some_and(|last| !matches!(last.kind, Kind::OpenBrace | Kind::Comma));
                comma |= c == '\n' && open.last() == Some(&'{') && separates;
                if c == '\n'
                    && open.is_empty()
                    && end == End::Text
                    && !tokens.is_empty()
                    && !self.rest().trim().is_empty()
                {
                    return Err("a line ends outside of any bracket".to_owned());
                }
                continue;
            }
            let token = self.token(c)?;
            if std::mem::take(&mut comma) && !matches!(token.kind, Kind::Comma | Kind::CloseBrace) {
                tokens.push(Token {
                    kind: Kind::Comma,
                    text: ",".to_owned(),
                });
            }
            let object = !self
                .rest()
                .trim_start()
                .strip_prefix("for")
                .is_some_and(|rest| rest.starts_with(char::is_whitespace));
            match token.kind {
                Kind::Open => open.push('('),
                Kind::OpenBrace => open.push(if object { '{' } else { '(' }),
                Kind::Close | Kind::CloseBrace => {
                    open.pop().ok_or("a bracket is closed that is not open")?;
                }
                Kind::Ident
                | Kind::Number
                | Kind::Template
                | Kind::Comma
                | Kind::Dot
                | Kind::DoubleColon => {}
                Kind::Ellipsis | Kind::Minus | Kind::Bang | Kind::Operator => {}
            }
            tokens.push(token);
        }
    }

    fn token(&mut self, c: char) -> Result<Token, String> {
        let rest = self.rest();
        if c == '"' {
            return self.quoted();
        }
        if c.is_alphabetic() || c == '_' {
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')))
                .unwrap_or(rest.len());
            return Ok(Token {
                kind: Kind::Ident,
                text: self.take(end).to_owned(),
            });
        }
        if c.is_ascii_digit() {
            let length = number_length(rest);
            return Ok(Token {
                kind: Kind::Number,
                text: self.take(length).to_owned(),
            });
        }
        if c == '#' || rest.starts_with("//") || rest.starts_with("/*") {
            return Err("an expression cannot hold a comment".to_owned());
        }
        if rest.starts_with("<<") {
            return Err("an expression cannot hold a heredoc".to_owned());
        }
        match OPERATORS
            .iter()
            .find(|(operator, _)| rest.starts_with(operator))
        {
            Some((operator, kind)) => Ok(Token {
                kind: *kind,
                text: self.take(operator.len()).to_owned(),
            }),
            None => Err(format!("the character {c:?} has no meaning there")),
        }
    }
}

fn number_length(text: &str) -> usize {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(0);
    if text[end..].starts_with('.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + sign);
        end += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    end
}

fn spaced(tokens: &[Token]) -> String {
    let mut out = String::new();
    for (at, token) in tokens.iter().enumerate() {
        out.push_str(&token.text);
        let before = at.checked_sub(1).map(|at| tokens[at].kind);
        if tokens
            .get(at + 1)
            .is_some_and(|after| is_spaced(before, token, after))
        {
            out.push(' ');
        }
    }
    out
}

/// The order of the cases is that of hclwrite.
fn is_spaced(before: Option<Kind>, token: &Token, after: &Token) -> bool {
    let closes = |kind| matches!(kind, Kind::Close | Kind::CloseBrace);
    match (token.kind, after.kind) {
        (Kind::Ident, Kind::Open) if after.text == "(" => false,
        (Kind::Ident, Kind::DoubleColon) | (Kind::DoubleColon, Kind::Ident) => false,
        (Kind::Dot, _) | (_, Kind::Dot | Kind::Comma | Kind::Ellipsis) => false,
        (Kind::Comma, _) => true,
        (Kind::Ident, _) if token.text == "in" && before == Some(Kind::Ident) => true,
        (Kind::Ident | Kind::Number | Kind::Close | Kind::CloseBrace, Kind::Open)
            if after.text == "[" =>
        {
            false
        }
        (Kind::Bang, _) => false,
        (Kind::Minus, _) => match before {
            None
            | Some(
                Kind::Open
                | Kind::OpenBrace
                | Kind::Comma
                | Kind::Operator
                | Kind::Minus
                | Kind::Bang,
            ) => false,
            Some(_) => true,
        },
        (Kind::OpenBrace, Kind::CloseBrace) => false,
        (Kind::OpenBrace, _) | (_, Kind::CloseBrace) => true,
        (Kind::Open, _) => false,
        (_, after) => !closes(after),
    }
}
