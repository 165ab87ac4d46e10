#![no_main]
use loom_plan::intent::reference::{Piece, pieces};

// text that holds no reference comes out whole
libfuzzer_sys::fuzz_target!(|text: &str| {
    let kinds = |kind: &str| kind == "file";
    let found = pieces(text, &kinds);
    if found
        .iter()
        .all(|piece| matches!(piece, Piece::Text(_) | Piece::Near(_)))
        && !text.contains("$$")
    {
        let whole: String = found
            .iter()
            .map(|piece| match piece {
                Piece::Text(part) | Piece::Near(part) => *part,
                Piece::Artifact(..) | Piece::Environment(_) | Piece::Service(_) => "",
            })
            .collect();
        assert_eq!(whole, text);
    }
});
