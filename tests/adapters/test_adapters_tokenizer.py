"""Dividing a message, and its escape sequences."""

from __future__ import annotations

import pytest
from adapters_messages import header, read
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import NotUnderstood
from adapters.hl7v2.escape import DEFAULT, EncodingCharacters, encoding_characters, escape, unescaper
from adapters.hl7v2.tokenizer import tokenize

unescape = unescaper(DEFAULT, "utf-8")


class TestTokenize:
    def test_levels(self) -> None:
        """Fields, repetitions, components and subcomponents."""
        (_, pid) = tokenize("MSH|^~\\&|A\rPID|1||a^b&c~d|").segments

        assert pid.fields == ((((("1"),),),), (), ((("a",), ("b", "c")), (("d",),)), ())
        assert pid.raw(3) == "a^b&c~d"

    def test_header(self) -> None:
        """MSH-1 is the separator itself, MSH-2 is not divided."""
        (msh,) = tokenize("MSH|^~\\&|A^B").segments

        assert (msh.text(1), msh.text(2), msh.text(3, 2), msh.raw(2)) == ("|", "^~\\&", "B", "^~\\&")

    @pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r", "\r\n\r\n"])
    def test_line_ends(self, end: str) -> None:
        """CR, LF, CRLF and blank lines."""
        tokens = tokenize(end.join(["MSH|^~\\&|A", "EVN|A01", "PID|1", ""]))

        assert [segment.name for segment in tokens.segments] == ["MSH", "EVN", "PID"]
        assert tokens.findings == ()

    def test_other_separators(self) -> None:
        """The separators are those of MSH, whatever they are."""
        tokens = tokenize("MSH$%*!@$A\rPID$1$$a%b@c*d!S!e")

        assert tokens.segments[1].fields[2] == ((("a",), ("b", "c")), (("d%e",),))

    @pytest.mark.parametrize("version", ["2.3", "2.8"])
    def test_five_characters(self, version: str) -> None:
        """A truncation character in any version."""
        text = header(version=version).replace("^~\\&", "^~\\&#")

        assert tokenize(text).characters.truncation == "#"
        assert tokenize(text).segments[0].text(10) == "C1"

    @pytest.mark.parametrize(
        "text", ["MSH", "MSH|^^\\&|", "MSH|^~A&|", "MSHA^~\\&A", "MSH |~\\& ", "MSH\r|", "MSH~~\\&|", "", "PID|1"]
    )
    def test_senseless_header(self, text: str) -> None:
        """What cannot separate is refused, not guessed at."""
        with pytest.raises(NotUnderstood):
            tokenize(text)

    @pytest.mark.parametrize(("text", "used"), [("MSH|^~|", "^~"), ("MSH|^~\\|", "^~\\"), ("MSH||", "^~\\&")])
    def test_fewer_characters(self, text: str, used: str) -> None:
        """A short MSH-2 leaves a separator unused; an empty one means the usual ones."""
        assert encoding_characters(text).encoded == used

    def test_line_end_inside_text(self) -> None:
        """A line that begins no segment belongs to the text before it, and is reported."""
        tokens = tokenize("MSH|^~\\&|A\rNTE|1||first line\nsecond line\rPID|1")

        assert [segment.name for segment in tokens.segments] == ["MSH", "NTE", "PID"]
        assert tokens.segments[1].text(3) == "first line\nsecond line"
        assert len(tokens.findings) == 1

    def test_no_controls(self) -> None:
        """NUL and other control characters never come through, as bytes or as escape sequences."""
        tokens = tokenize("MSH|^~\\&|A\rNTE|1||a\x00b\x01c\\X00\\d\\X01\\e")

        assert tokens.segments[1].text(3) == "abcde"

    def test_z_segments(self) -> None:
        """Z segments are segments; blanks in front of one, or no field in it, do not matter."""
        assert [s.name for s in tokenize("MSH|^~\\&|A\r ZPI|1|\rZZZ\r").segments] == ["MSH", "ZPI", "ZZZ"]

    @given(st.text(alphabet="PID|^~\\&\r\nab王\x0b\x00 ", max_size=80))
    def test_nothing_is_lost(self, text: str) -> None:
        """Whatever follows the header, each character of it but line ends, blanks and controls is in a segment."""
        tokens = tokenize("MSH|^~\\&|A\r" + text)
        kept = "".join(segment.name + "".join(segment.raw_fields) for segment in tokens.segments)

        for character in "abPID王^~&\\":
            assert kept.count(character) == text.count(character) + "^~\\&".count(character), character


class TestEscapes:
    @pytest.mark.parametrize(
        ("sent", "read_as"),
        [
            (r"a\F\b\S\c\T\d\R\e\E\f", r"a|b^c&d~e\f"),
            (r"\X48656C6C6F\ ", "Hello "),
            (r"\XE78E8B\ ", "王 "),
            (r"one\.br\two\.sp2\three", "one\ntwo\n\nthree"),
            (r"a\.sk3\b\.in+2\\.ti-1\\.fi\\.nf\c", "a   bc"),
            (r"\H\bold\N\ ", "bold "),
            (r"\C2842\x\M244200\y", "xy"),
            (r"\Zlocal\ \q\ C:\temp \X4\ \XFF\ ", r"\Zlocal\ \q\ C:\temp \X4\ \XFF\ "),
            (r"lone \ and \\ twice", r"lone \ and \\ twice"),
            (r"\q\F\ ", r"\q| "),
        ],
    )
    def test_sequences(self, sent: str, read_as: str) -> None:
        """Each known sequence becomes its text; what is not known stays as sent."""
        assert unescape(sent) == read_as

    def test_bytes_are_of_the_message(self) -> None:
        """Hexadecimal bytes are in the character set of the message."""
        assert unescaper(DEFAULT, "gb18030")(r"\XCDF5\ ") == "王 "

    def test_own_separators(self) -> None:
        """The sequences stand for the sender's own separators."""
        assert unescaper(EncodingCharacters("$", "%", "*", "!", "@"), "utf-8")("!F!!S!!T!!R!!E!") == "$%@*!"

    def test_after_dividing(self) -> None:
        """An escaped separator does not divide."""
        pid = read(header(), r"PID|1||L1||A\S\B^C\T\D").first("PID")

        assert (pid.text(5), pid.text(5, 2)) == ("A^B", "C&D")

    @given(st.text(alphabet="|^~\\&ab王FSTRE.br \n", max_size=40))
    def test_round_trip(self, text: str) -> None:
        """What is escaped reads back."""
        assert unescape(escape(text)) == text
