//! The last net: what looks like a credential does not leave the program, whoever let it come so far.
//!
//! In: whatever is written. Out: the same, with `*` in the place of known tokens. Reports mask what
//! they show on their own, because only they know what a difference is; this holds for everything
//! else, error paths included. Lines are looked at whole, as many as were written at once.

use std::io::{self, Write};

use loom_plan::credential::masked;

/// How much is held back before it is looked at.
const ENOUGH: usize = 64 * 1024;

/// A stream behind the net. What is left is written by `flush`.
#[derive(Debug)]
pub(crate) struct Mask<W: Write> {
    out: W,
    held: Vec<u8>,
}

impl<W: Write> Mask<W> {
    /// Puts a stream behind the net.
    pub(crate) fn new(out: W) -> Self {
        Self {
            out,
            held: Vec::new(),
        }
    }

    /// Lets the first bytes that are held go.
    fn release(&mut self, end: usize) -> io::Result<()> {
        let rest = self.held.split_off(end);
        let lines = std::mem::replace(&mut self.held, rest);
        match std::str::from_utf8(&lines) {
            Ok(text) => self.out.write_all(masked(text).as_bytes()),
            Err(_) => self.out.write_all(&lines),
        }
    }
}

impl<W: Write> Write for Mask<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() >= ENOUGH
            && let Some(newline) = self.held.iter().rposition(|byte| *byte == b'\n')
        {
            self.release(newline + 1)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.release(self.held.len())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_masked_also_where_it_comes_in_pieces() {
        let token = format!("ghp_{}", "a1B2c3D4e5".repeat(4));
        let mut out = Vec::new();
        let mut mask = Mask::new(&mut out);
        let long = "x\n".repeat(ENOUGH);
        for piece in [
            long.as_str(),
            "a ",
            &token[..10],
            &token[10..],
            " b\n",
            "end",
        ] {
            mask.write_all(piece.as_bytes()).expect("memory takes it");
        }
        mask.flush().expect("memory takes it");
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(!text.contains(&token));
        assert!(
            text.ends_with(&format!("a {} b\nend", "*".repeat(token.len())))
                && text.starts_with(&long)
        );
    }
}
