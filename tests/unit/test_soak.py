"""The page of the long runs: a part that is run again writes its own section."""

from fuzz import soak


def test_a_section_is_replaced_and_the_others_stay() -> None:
    page = soak.HEAD
    for number, part in enumerate(soak.PARTS.values()):
        page = soak.replaced(page, part.title, f"{number}\n\n    $ printed\n")
    again = soak.replaced(page, soak.PARTS[soak.BRIEF].title, "anew\n\n    $ printed again\n")
    assert again == page.replace("1\n\n    $ printed\n", "anew\n\n    $ printed again\n")


def test_sections_stand_in_the_order_of_the_parts() -> None:
    page = soak.HEAD
    for part in reversed(soak.PARTS.values()):
        page = soak.replaced(page, part.title, "printed\n")
    sections = [line[3:] for line in page.splitlines() if line.startswith("## ")]
    assert sections == [part.title for part in soak.PARTS.values()]


def test_the_page_has_the_figures_of_each_part_below_its_command() -> None:
    lines = soak.PAGE.read_text().splitlines()
    for part in soak.PARTS.values():
        command = lines.index(f"    $ python -m {part.command}")
        assert lines[command - 4] == f"## {part.title}"
        assert lines[command + 1].startswith("    ")
