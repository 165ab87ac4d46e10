//! Texts in workflows of GitHub Actions.

/// Text of people for a place where GitHub reads expressions: its `${{` stands for itself.
///
/// An expression cannot be escaped, so it is written as one that evaluates to the three characters
/// (<https://docs.github.com/en/actions/reference/workflows-and-actions/expressions>).
pub fn literal(text: &str) -> String {
    text.replace("${{", "${{ '${{' }}")
}

/// Text of people inside a string of an expression: `'it''s'`.
pub fn string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::HOSTILE;

    /// What GitHub makes of a text whose expressions are all strings.
    fn evaluated(text: &str) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, inside)) = rest.split_once("${{") {
            let (expression, after) = inside
                .split_once("' }}")
                .expect("the expression is a string and ends");
            assert_eq!(expression, " '${{", "no other expression than loom's own");
            out.push_str(before);
            out.push_str("${{");
            rest = after;
        }
        out + rest
    }

    #[test]
    fn text_of_people_is_never_an_expression() {
        for text in HOSTILE
            .iter()
            .chain(&["${{ secrets.X }}", "$${{{ x }}", "${{${{", "}} ${{"])
        {
            assert_eq!(evaluated(&literal(text)), *text);
        }
        assert_eq!(string("it's"), "'it''s'");
    }
}
