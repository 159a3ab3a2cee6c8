//! What keys do to a text. Never looks at the screen.

use super::buffer::Buffer;
use super::editor::Editor;
use crate::applets::screen::Key;

/// Keys as people write them: `<` for Escape, `>` for Enter.
fn after(text: &str, keys: &str) -> String {
    let mut editor = Editor::new(Vec::new(), false);
    editor.buffer = Buffer::new(text);
    let mut waiting = keys.chars().map(|c| match c {
        '<' => Key::Escape,
        '>' => Key::Enter,
        c => Key::Char(c),
    });
    while !editor.done {
        editor.step(&mut |_| waiting.next().unwrap_or(Key::Gone));
    }
    editor.buffer.text()
}

#[track_caller]
fn check(text: &str, keys: &str, expected: &str) {
    assert_eq!(after(text, keys), expected, "{keys}");
}

#[test]
fn text_is_inserted_where_it_is_asked_for() {
    check("b\n", "iA<", "Ab\n");
    check("b\n", "aA<", "bA\n");
    check("  b c\n", "$Ix<", "  xb c\n");
    check("b c\n", "AX<", "b cX\n");
    check("  a\nb\n", "ox<", "  a\n  x\nb\n");
    check("a\nb\n", "jOx<", "a\nx\nb\n");
    check("ab\n", "lix>y<", "ax\nyb\n");
    check("abc\n", "Rxy<", "xyc\n");
    check("", "ihello<", "hello\n");
}

#[test]
fn text_is_deleted_by_motions() {
    check("one two three\n", "dw", "two three\n");
    check("one two three\n", "2dw", "three\n");
    check("one two three\n", "wD", "one \n");
    check("one two three\n", "wd$", "one \n");
    check("one two\n", "wd0", "two\n");
    check("a\nb\nc\n", "dd", "b\nc\n");
    check("a\nb\nc\nd\n", "j2dd", "a\nd\n");
    check("a\nb\nc\n", "jdG", "a\n");
    check("abc\n", "xlx", "b\n");
    check("a(b c)d\n", "f(d%", "ad\n");
    check("abc: d\n", "dt:", ": d\n");
    check("one two\nthree\n", "wdw", "one \nthree\n");
    check("a \"b c\" d\n", "fbdi\"", "a \"\" d\n");
}

#[test]
fn text_is_changed() {
    check("image: nginx:1.0\n", "wwcwhttpd<", "image: httpd:1.0\n");
    check("one two\n", "cwx<", "x two\n");
    check("  a\nb\n", "ccx<", "  x\nb\n");
    check("abc\n", "lCx<", "ax\n");
    check("abc\n", "sx<", "xbc\n");
    check("a b\n", "Sx<", "x\n");
    check("abc\n", "lrx", "axc\n");
    check("a\n  b\n", "J", "a b\n");
    check("abc\n", "2~", "ABc\n");
}

#[test]
fn text_is_copied_and_put() {
    check("a\nb\n", "yyp", "a\na\nb\n");
    check("a\nb\n", "yyjp", "a\nb\na\n");
    check("a\nb\n", "ddp", "b\na\n");
    check("a b\n", "ywP", "a a b\n");
    check("ab\n", "xp", "ba\n");
    check("a\n", "yy3p", "a\na\na\na\n");
}

#[test]
fn changes_are_taken_back_and_repeated() {
    check("a b c\n", "dwdwuu", "a b c\n");
    check("a b c\n", "dw.", "c\n");
    check("a\nb\n", "Ax<j.", "ax\nbx\n");
    check("x x x\n", "cwy<w.", "y y x\n");
    check("a\n", "xu", "a\n");
}

#[test]
fn places_are_searched_for() {
    check("one\ntwo\nthree\n", "/th>dd", "one\ntwo\n");
    check("a b a b\n", "/b>nx", "a b a \n");
    check("one\ntwo\n", "G?one>x", "ne\ntwo\n");
    check("foo bar foo\n", "*x", "foo bar oo\n");
}

#[test]
fn commands_behind_the_colon_work() {
    check("a\nb\nc\n", ":2>x", "a\n\nc\n");
    check("a a\na\n", ":%s/a/b/g>", "b b\nb\n");
    check("a a\na\n", ":s/a/b/>", "b a\na\n");
    check("a/b\n", ":s,/,-,>", "a-b\n");
    check("ab\n", ":s/\\(a\\)\\(b\\)/\\2\\1/>", "ba\n");
    check("a\nb\nc\n", ":2,3d>", "a\n");
    check("a\nb\nc\n", ":$d>", "a\nb\n");
    check("a\nb\n", ":set nu>x", "\nb\n");
}

#[test]
fn marked_text_is_taken() {
    check("abcd\n", "vld", "cd\n");
    check("a\nb\nc\n", "Vjd", "c\n");
    check("abcd\n", "vly$p", "abcdab\n");
    check("a\nb\n", "Vj:s/$/x/>", "ax\nbx\n");
}

#[test]
fn words_and_characters_of_any_script_count_as_one() {
    check("日本語 x\n", "x", "本語 x\n");
    check("日本語 x\n", "dw", "x\n");
    check("éa\n", "lx", "é\n");
}

#[test]
fn any_keys_can_be_pressed() {
    let corpus: [&[u8]; 4] = [
        b"dwcwx<uu.p:s/a/b/g>vjdyyP3J~",
        b"2dd/x>nN%ggGo  y<k>>u",
        b"Rab<f(t)d;,xXD:1,2d>:$>Vy",
        b"cc<Sa<iw<diwci\"z<}{*",
    ];
    let words: [&[u8]; 8] = [b"<", b">", b"d", b"99", b":", b"/", b"u", b"\xe6\x97\xa5"];
    trial::fuzz(3000, &corpus, &words, |bytes| {
        let keys = String::from_utf8_lossy(bytes);
        // Files are not written.
        let keys: String = keys
            .chars()
            .filter(|c| !matches!(c, 'w' | 'Z' | 'e' | 'r'))
            .collect();
        after("apiVersion: v1\nkind: \"Pod\"\n\nspec: {a: (b)}\n", &keys);
    });
}
