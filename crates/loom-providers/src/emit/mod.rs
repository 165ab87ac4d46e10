//! Data becomes text: one file per format, each with quoting that cannot be escaped from.

pub mod difference;
pub mod dockerfile;
pub mod github;
pub mod hcl;
pub mod markdown;
pub mod shell;
pub(crate) mod texts;
pub mod yaml;

/// Texts that try to leave the place where they land, for the tests of every emitter.
#[cfg(test)]
pub(crate) const HOSTILE: &[&str] = &[
    "",
    " ",
    "${{ secrets.TOKEN }}",
    "${file(\"/etc/passwd\")}",
    "$(touch /tmp/x)",
    "`touch /tmp/x`",
    "$HOME",
    "\"",
    "'",
    "\\",
    "\\\"",
    "'\\''",
    "*/",
    "/*",
    "-->",
    "<!--",
    "%{ for x in y }x%{ endfor }",
    "{% include \"x\" %}",
    "{{ x }}",
    "a\nb",
    "a\r\nRUN x",
    "\n- b",
    "\nEOF\n",
    "EOT",
    "; rm -rf /",
    "&& x",
    "| x",
    "> x",
    "#",
    "# x",
    "a # b",
    "!x",
    "~",
    "*",
    "?",
    "[a]",
    "[x](y)",
    "![x](y)",
    "<b>",
    "&amp;",
    "``` x",
    "---",
    "$",
    "$$",
    "\t",
    "\0",
    "\u{1b}[31m",
    "\u{202e}x",
    "\u{2028}x",
    "\u{85}",
    "\u{feff}",
    "😀",
    "${ref:file.x.path}",
    "\\$x",
    "a=b",
    "-n",
    "--x",
    "=x",
    "1. x",
    "|",
    "a|b\\",
];
