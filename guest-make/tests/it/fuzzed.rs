//! Makefiles made by mutation: nothing panics, nothing hangs. No recipe is run.

const CORPUS: [&[u8]; 4] = [
    include_bytes!("../cases/rules.txt"),
    include_bytes!("../cases/variables.txt"),
    include_bytes!("../cases/errors.txt"),
    b"a = $(foreach i,1 2,$(call f,$(i)))\nf = <$(1)>\nifeq (a,b)\nelse\nx: y | z ; @echo\n\ttab\nendif\n%.o: %.c\n\tcc $<\ndefine d\n$(1): ;\nendef\n$(eval $(call d,q))\n",
];

const DICTIONARY: [&[u8]; 16] = [
    b"$(",
    b"${",
    b")",
    b"\n\t",
    b"define x\n",
    b"endef\n",
    b"ifeq (",
    b"else\n",
    b"endif\n",
    b"%",
    b"::",
    b"=",
    b"\\\n",
    b"$(eval ",
    b"$(call ",
    b"$(foreach ",
];

#[test]
fn no_text_makes_the_reader_panic_or_hang() {
    trial::fuzz(4000, &CORPUS, &DICTIONARY, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        // Most are mistakes, which is what is told.
        let _ = guest_make::read_only(&text);
    });
}
