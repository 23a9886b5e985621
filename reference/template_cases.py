"""The templates that make_templates.py asks jinja2 about: every construct, and what is easy to get wrong."""

VARIABLES = {
    "messages": [
        {"role": "system", "content": "Be nice. {{ not a tag }} {% nor this %}"},
        {"role": "user", "content": "Hi <b>there</b> & 'you' \"é\" 😀"},
        {"role": "assistant", "content": " Hello! \n", "tool_calls": [
            {"type": "function", "function": {"name": "f", "arguments": {"a": 1, "b": [True, None, 2.5]}}}]},
    ],
    "empty": "",
    "zero": 0,
    "nothing": None,
    "yes": True,
    "text": "The quick  brown\tfox\njumps; ÄÖ straße ǆ",
    "number": 42,
    "real": 2.675,
    "big": 123456789012345678901234567890,
    "names": ["delta", "Alpha", "charlie", "Bravo", "alpha"],
    "mixed": [1, 1.0, True, "1", None, 2, 2.0],
    "people": [
        {"name": "Ann", "age": 31, "address": {"city": "Bern"}},
        {"name": "bob", "age": 25, "address": {"city": "Aarau"}},
        {"name": "Cid", "age": 31, "address": {"city": "bern"}},
    ],
    "tree": [{"n": 1, "c": [{"n": 2, "c": []}, {"n": 3, "c": [{"n": 4, "c": []}]}]}],
    "table": {"b": 1, "A": 2, "c": 0},
    "add_generation_prompt": True,
    "bos_token": "<s>",
    "eos_token": "</s>",
}

EXPRESSIONS = r"""
1 + 2 * 3 ** 2
2 ** 3 ** 2
-2 ** 2
- 2 | abs
7 // 2, -7 // 2, 7 // -2, 7 % -3, -7 % 3, 7.5 // 2, -7.5 % 2, 5 % 2.5, -0.0 // 1
1 / 3, 2 / 1, 1e22, 1e16, 1e15, 123456789.123, 1e-5, 0.0001, 1.5e300 * 1e10, 0.1 + 0.2, 100000000000000000.0
1e308 * 10, -1e308 * 10
10 ** -2, 10 ** 20, 2 ** 0.5, 0 ** 0
true + true, true * 3, -true, 1 == true, 1.0 == 1, "1" == 1, none == false
big * big, big // 7, big % 97, -big // 7, big / 7
1_000 + 0x1F + 0o17 + 0b11, 1_0.5, 1e3, 1E+3
1 < 2 < 3, 1 < 3 < 2, 3 > 2 >= 2 == 2, 1 != 2
"a" < "b", "a" < "B", [1, 2] < [1, 3], (1, 2) < (1, 2, 0), "\ue000" < "😀"
1 < "a"
none < 1
not x is defined, not true == false, not false and true, not (true and false)
x is defined and x or "d", none or 0 or "", 1 and 2, [] and 1
"a" in "cab", "a" not in "cab", 1 in [1.0], 1 in {1: 2}
"x" in none
2 in (1, 2), "" in "a", {} in [{}]
[1] in {}
"a" ~ 1 ~ none ~ true ~ 1.0 ~ [1, "b"] ~ x
"a" + 1
1 + "a"
[1] + (2,)
[1] + [2], (1,) + (2,), "ab" * 2, [0] * 3, 2 * "x", "x" * -1
"a" - 1
{} + {}
-"a"
[1, 2, 3][0], [1, 2, 3][-1], [1, 2, 3][5], "abc"[1], "😀b"[0], "😀b"[1]
[1, 2, 3, 4, 5][1:3], [1, 2, 3, 4, 5][::-1], [1, 2, 3, 4, 5][-2:], [1, 2, 3, 4, 5][:-1:2], "a😀bcd"[1:3], "abc"[::-1], "abc"[5:], (1, 2, 3)[1:], "abc"[::-2]
[1, 2, 3][4:0:-1], [1, 2, 3][-100:100], [1][0:0], [1, 2, 3][true:]
[1][::0]
table[1:2]
number[1:2]
x[1:2]
nothing[1:]
[1]["a"] is defined, {"a": 1}.a, {"a": 1}["a"], {"a": 1}.b is defined, {"items": 1}.items is callable, {"items": 1}["items"], {1: "x"}[1], {1: "x"}[1.0], {1: "x"}[true]
people.0.name, people[0].address.city, people[-1]["name"]
x.y
x["y"]
x.y.z is defined
none.x is defined
none.x.y
x()
5()
{}.x()
[].append(1)
{}.update({})
{}.pop("a")
[].append is defined, [].pop, "".__class__, x.__class__ is defined
"".__class__.__mro__
"".__class__()
(1), (1,), (), 1,
[1, "a'b", 'c"d', "e'\"f", "tab\t", "nl\n", "\\", "é", "\u200b", "\x7f", "😀", "\U0010ffff", none, true, 1.0, (), {}, {"k": [1]}]
"\x41\u00e9\U0001F600\n\t\\\"\'\101\q\é|"
'\N{GREEK SMALL LETTER ALPHA}', "a" "b" 'c'
{"a": 1, "a": 2, 1: "x", true: "y", 1.0: "z", none: 0, (1, 2): 3}
{[1]: 2}
{"a": 1}.get("a"), {"a": 1}.get("b"), {"a": 1}.get("b", "c"), {"a": 1}.keys(), {"a": 1}.values(), {"a": 1}.items(), {"a": 1}.keys()|list, {}.items()|list
{"a": 1}.items()[0] is defined, table.items()|length, table.keys() == {"b": 0, "A": 0, "c": 0}.keys()
[1, 2, 2].count(2), [1, 2].index(2), (1, 2).index(1), "a,b".split(",")
[1, 2].index(3)
"abc".index("z")
1 if true else 2, 1 if false, (1 if false) is defined, "a" if x else "b" if y else "c"
"abc" if 1 < 2 else 3 | string
"%s|%r|%d|%5.2f|%-5s|%05d|%x|%X|%o|%e|%g|%%|%c|%+d|% d" % ("a", "b", 3, 3.14159, "l", 42, 255, 255, 8, 12345.678, 0.0001, "z", 5, 6)
"%(a)s %(b)05.1f" % {"a": 1, "b": 2.25}
"%s" % 1, "%s" % [1], "%s" % none, "%s" % x, "%.2s" % "abc", "%*d" % (5, 3), "%i" % 3.9, "%s %s" % (1, 2), "%#x" % 255
"%d" % "a"
"%s %s" % (1,)
"%s" % (1, 2)
"%q" % 1
"%" % 1
"{} {}".format(1, "a"), "{1} {0}".format(1, 2), "{a.b} {c[0]}".format(a={"b": 3}, c=[4]), "{:>5}|{:<5}|{:^5}|{:05d}|{:.2f}|{:,}|{!r}".format("a", "b", "c", 42, 3.14159, 1234567, "q"), "{{}}".format(), "{:*^7}".format("x"), "{:x} {:#b} {:e} {:%}".format(255, 5, 1234.5, 0.25), "{:{}}".format("a", 3), "{0.__class__}".format(1)
"{}".format()
"{a}".format(b=1)
"{".format(1)
"  a b ".strip(), "  a ".lstrip() ~ "|", "xxaxx".strip("x"), "abcba".rstrip("ab"), "abcba".lstrip("ab"), "\u00a0a\u2003".strip() ~ "|"
"a b  c".split(), " a b ".split(" "), "a,b,c".split(",", 1), "a,b,c".rsplit(",", 1), " a b c ".split(none, 1), " a  b c ".rsplit(none, 1), "".split(), "".split(","), "a--b".split("--")
"a\nb\r\nc\u2028d\x0be".splitlines(), "a\nb\n".splitlines(true), "".splitlines()
"a".split("")
"abc".startswith("a"), "abc".startswith(("x", "a")), "abc".endswith("c"), "abc".startswith("b", 1), "abc".endswith("b", 0, 2), "".startswith("")
"abc".startswith(1)
"aXbX".replace("X", "y"), "aXbX".replace("X", "y", 1), "ab".replace("", "-"), "😀".replace("", "."), "aaa".replace("aa", "b")
"hello world".title(), "they're bill's".title(), "hELLO".capitalize(), "straße".upper(), "ÀÉ".lower(), "aBc".swapcase(), "ǆ".title(), "ﬁx".capitalize(), "ΑΣ".lower(), "ß".capitalize()
"a".center(4) ~ "|", "a".ljust(3) ~ "|", "a".rjust(3, "."), "-5".zfill(4), "5".zfill(3), "ab".center(5, "*"), "abc".center(6, "*")
"abcabc".find("b"), "abcabc".rfind("b"), "abc".find("z"), "abcabc".count("bc"), "aaa".count("aa"), "abcabc".find("b", 2), "a😀b".find("b"), "abc".count(""), "abc".index("c"), "abcabc".find("a", 1, 3)
"a=b=c".partition("="), "a=b=c".rpartition("="), "a".partition("="), "a".rpartition("=")
"1".isdigit(), "a".isalpha(), "a1".isalnum(), " ".isspace(), "A".isupper(), "a".islower(), "Ab".istitle(), "".isdigit(), "½".isnumeric(), "a_1".isidentifier(), "1a".isidentifier(), "é".isascii()
"prefix-x".removeprefix("prefix-"), "x.py".removesuffix(".py"), "x".removeprefix("y"), "A".casefold()
", ".join(["a", "b"]), "".join([]), "-".join("abc"), "x".join({"a": 1})
",".join([1])
",".join(["a", none])
messages[0].content
messages[2].tool_calls[0].function.arguments
messages | length, messages | count, "a😀" | length, {} | length, x | length
5 | length
range(5), range(1, 5) | list, range(5, 0, -2) | list, range(0) | list, range(3)[1], range(10)[2:5], range(3) | last, 2 in range(3), range(3) == range(0, 3), range(3) | length
range(10 ** 9)
range(1, 2, 0)
range("a")
range(1.5)
dict(a=1, b=2) , dict({"a": 1}, b=3), dict([("x", 1)])
namespace(a=1), namespace({"a": 1}).a, namespace().x is defined
joiner, cycler is callable, range is callable, x is callable, 1 is callable
loop is defined, super is defined
true is true, 1 is true, none is none, x is none, 0 is false, false is false
1 is number, 1.0 is number, true is number, "1" is number, 1 is integer, true is integer, 1.0 is float, 1 is float, true is boolean, 1 is boolean
"" is string, [] is sequence, () is sequence, {} is sequence, "" is sequence, x is sequence, 1 is sequence, {}.keys() is sequence, range(2) is sequence
[] is iterable, "" is iterable, 1 is iterable, {} is iterable, x is iterable, none is iterable, {} is mapping, [] is mapping, messages[0] is mapping
3 is odd, 4 is even, 9 is divisibleby 3, 9 is divisibleby(2), 3.0 is odd, -3 is odd
"a" is odd
1 is eq 1, 1 is equalto(2), 1 is ne 2, 2 is gt 1, 2 is ge 2, 1 is lt 2, 1 is le 0, 3 is greaterthan 2, 3 is lessthan 2, 1 is sameas 1, true is sameas true, 1 is sameas true
"a" is in "abc", 1 is in [2], 1 is not in [2], "upper" is filter, "nofilter" is filter, "defined" is test, "abc" is lower, "ABC" is upper, "1" is lower, none is lower
x is defined, x is undefined, x is not defined, nothing is defined, messages is defined, messages[0].zz is defined
1 is string is true
1 is nosuch
1 | nosuch
(1 | nosuch) if false else 2
(1 | nosuch) if true else 2
1 is nosuch if false else 3
x | default("d"), x | default, nothing | default("d"), nothing | default("d", true), "" | d("e", true), "" | d("e", boolean=true), 0 | default(1, false)
x.y | default("no")
messages[0].zz | default("d")
messages[0].zz.yy | default("d")
names | join, names | join(", "), [1, none, 2.0] | join("-"), people | join(", ", attribute="name"), "abc" | join("."), x | join, [] | join(1), [[1], [2]] | join(0)
names | sort, names | sort(case_sensitive=true), names | sort(reverse=true), [3, 1.5, 2] | sort, people | sort(attribute="age") | map(attribute="name") | list, people | sort(attribute="age,name", reverse=true) | map(attribute="name") | list, "bca" | sort
[1, "a"] | sort
table | dictsort, table | dictsort(true), table | dictsort(by="value"), table | dictsort(reverse=true), {} | dictsort
table | dictsort(by="x")
table | items | list, x | items | list, table | list, "ab" | list, {"a": 1}.items() | list, nothing | default([], true) | list
5 | items | list
5 | list
none | list
names | first, names | last, [] | first is defined, [] | last, "abc" | first, "abc" | last, table | first, range(3) | last, table | last, names | map("upper") | first
names | map("upper") | last
names | map("lower") | list, names | map("replace", "a", "_") | list, people | map(attribute="address.city") | list, people | map(attribute="zz", default="?") | list, people | map(attribute="zz") | list, [[1, 2], [3]] | map(attribute=1) | list, [] | map("upper") | list, x | map("upper") | list, ["a"] | map("default", "x") | list
names | map | list
names | map("nosuch") | list
names | map(attribute="a", foo=1) | list
names | map("upper") | length
names | map("upper") is sequence, names | map("upper") is iterable, names | map("upper") | list | length, (names | select)[0] is defined
people | selectattr("age", "eq", 31) | map(attribute="name") | list, people | selectattr("age") | list | length, people | rejectattr("age", "lt", 30) | list | length, people | selectattr("address.city", "equalto", "Bern") | list | length, people | selectattr("zz", "defined") | list, people | rejectattr("zz") | list | length, people | selectattr("name", "in", ["Ann"]) | list | length
[0, 1, 2, "", "a", none] | select | list, [1, 2, 3] | select("odd") | list, [1, 2, 3] | reject("odd") | list, [1, 2, 3] | select("gt", 1) | list, [1, 2, 3] | select("divisibleby", 3) | list, [0, 1] | reject | list, [1, 2] | select("==", 2) | list
[1] | select("nosuch") | list
mixed | unique | list, names | unique | list, names | unique(case_sensitive=true) | list, people | unique(attribute="age") | map(attribute="name") | list
[[1]] | unique | list
people | groupby("age"), people | groupby("address.city") | map(attribute="grouper") | list, people | groupby("address.city", case_sensitive=true) | map("first") | list, people | groupby("zz", default="none") | map(attribute="list") | map("length") | list
[1, 2, 3] | sum, people | sum(attribute="age"), [] | sum, [[1], [2]] | sum(start=[]), [1.5, 2] | sum, [1, true] | sum
["a"] | sum
["a"] | sum(start="")
[3, 1, 2] | min, [3, 1, 2] | max, names | min, names | max(case_sensitive=true), [] | min is defined, people | max(attribute="age"), "hello" | max
[1, 2, 3] | reverse | list, "abc" | reverse, (1, 2) | reverse | list, range(3) | reverse | list, table | reverse | list, names | map("upper") | reverse | first
5 | reverse
[1, 2, 3, 4, 5] | batch(2) | list, [1, 2, 3] | batch(2, "x") | list, [1, 2, 3, 4, 5] | slice(3) | list, [1, 2, 3, 4] | slice(3, "x") | list
"hello world-foo (bar)" | title, "it's o'neil" | title, text | title, text | upper, text | lower, text | capitalize, 5 | upper, none | upper, "ß" | upper, "a\tb" | title
"  a " | trim, "xax" | trim("x"), 5 | trim, " a\n" | trim ~ "|", none | trim
"aXbX" | replace("X", "y"), "aXbX" | replace("X", "y", 1), 112 | replace(1, 3), [1] | replace("[", "("), none | replace("N", "n")
"a\nb\n\nc" | indent, "a\nb\n\nc" | indent(2, true), "a\nb\n\nc" | indent(2, blank=true), "a\nb" | indent("> ", true), "" | indent(2), "a\n" | indent(2) ~ "|", "a" | indent(width=2, first=true)
5 | indent
"abc" | center(7) ~ "|", "a b c" | wordcount, text | wordcount, "x" | string, 5 | string, none | string, [1] | string, 1.0 | string
"foo bar baz qux" | truncate(9), "foo bar baz qux" | truncate(9, true), "foo bar baz qux" | truncate(11), "foo bar" | truncate(5, true, "", 0), "short" | truncate
"3" | int, "3.7" | int, "x" | int, "x" | int(5), 3.9 | int, -3.9 | int, none | int, true | int, " 42 " | int, "1_000" | int, "0x1A" | int(base=16), "11" | int(base=2), "1e3" | int, "" | int, "0b11" | int(0, 0), "077" | int, "inf" | int, [] | int
x | int
x | float
"3.5" | float, "x" | float, 3 | float, "inf" | float, "nan" | float, "1e3" | float, none | float, none | float(2.5), "1_0.5" | float, " .5 " | float, "1." | float, "0x1" | float, true | float, "1d" | float
2.5 | round, 3.5 | round, 2.675 | round(2), real | round(1), 2.1 | round(method="ceil"), 2.9 | round(method="floor"), 1234 | round(-2), 5 | round, 2.5 | round | int, -0.4 | round, 0.15 | round(1), 1250 | round(-2), 12.3456 | round(2, "floor"), true | round
"a" | round
2.5 | round(method="x")
-5 | abs, -2.5 | abs, true | abs
"a" | abs
"<a> & 'b' \"c\"" | escape, "<a>" | e | e, "<a>" | safe, ("<a>" | e) + "<b>", "<b>" + ("<a>" | e), ("<a>" | safe) ~ "<b>", ("<" | e) | length, "<" | forceescape, ("<" | e) | forceescape, ["<" | e], ("%s" | safe) % "<", ("a" | safe) is string, ("<" | safe) | upper, ("a" | safe).replace("a", "<"), ("," | safe).join(["<", "a"]), ("x" | safe) is escaped, ("a" | safe) * 2, ("ab" | safe)[0] + "<", 5 | e, ("a" | safe) | tojson
"<p>a  <b>b</b></p> &amp; <!-- c -->d" | striptags, "a b&c/d é" | urlencode, {"a b": "c&d", "x": 1} | urlencode, {"class": "a<b", "x": none, "id": 5} | xmlattr, 1000 | filesizeformat, 1 | filesizeformat, 1500000 | filesizeformat, 1024 | filesizeformat(true), 500 | filesizeformat, (2 ** 80) | filesizeformat
"%s-%d" | format("a", 3), "%(x)s" | format(x=1)
people[0] | attr("name") is defined, people | attr("index") is callable, "a" | attr("upper") is callable
messages | tojson
messages | tojson(indent=2)
{"é": "<b>", "k": "it's", "q": "\"\\/\b\f\n\r\t\x00\x1f\x7f\u2028😀"} | tojson
{"é": "😀\x7f"} | tojson(ensure_ascii=true), {"b": 1, "a": {"d": 1, "c": 2}} | tojson(sort_keys=true), [1, {"a": []}, {}, ()] | tojson(indent=1), [1, 2] | tojson(separators=(",", ":")), {"a": 1} | tojson(separators=(",", ":"), indent=2), [1, 2] | tojson(indent="--"), [1.0, 1e16, 1e-7, true, none, big] | tojson, ["inf" | float, "nan" | float, "-inf" | float] | tojson, {1: 1, true: 2, none: 3, 1.5: 4} | tojson, [] | tojson(indent=4), "a" | tojson, 5 | tojson(indent=0), [1, 2] | tojson(indent=0)
x | tojson
{(1, 2): 3} | tojson
[x] | tojson
range(3) | tojson
{}.keys() | tojson
names | map("upper") | tojson
namespace(a=1) | tojson
{"b": 1, 2: 3} | tojson(sort_keys=true)
strftime_now("%Y-%m-%d %H:%M:%S %B %b %A %a %d %e %j %I %p %y %% %-d %f %m %U %W %w %u %V %G %C %D %F %T %R %x %X %c %h %n%t|")
raise_exception("no " ~ 1)
raise_exception(none)
raise_exception()
lipsum is callable
1 +
(1
[1, 2
{1: 2
1 }
a b
1 2
| upper
1 |
.a
"abc
'a\'
@
a ? b
a && b
1 = 2
f(a=1, 2)
f(*a, 1)
f(**a, b=1)
x is
not
1 if
1 == 
a.
a.1.b
a[
1.upper
'\x4'
'\u12'
""".strip("\n").split("\n")

STATEMENTS = [
    "plain text\n",
    "a\n\n",
    "\n  {% if true %}  \n  x\n  {% endif %}\n  y\n",
    "  {{ 1 }}  \n  {{- 2 -}}  \n 3",
    "a {%- if true -%} b {%- endif -%} c",
    "a\n  {%+ if true +%}\n  b\n  {%+ endif %}\nc",
    "a\n\t {# comment #}\nb {#- c -#} d\n{# x +#}\ne",
    "{# {{ not }} {% at all %} #}x",
    "{% raw %}{{ a }} {% b %}{# c #}{% endraw %}|",
    "  {% raw %}\n x\n  {% endraw %}\n y {%- raw -%}  z  {%- endraw -%}  w",
    "a\r\nb\rc\n{{ '\r\n' | length }}",
    "{{ '}}' }}{{ '%}' }}{{ {'a': {'b': 1}}}}",
    "{{ {'a': 1}}}",
    "{%if true%}a{%endif%}{{'b'}}",
    "{% if true: %}a{% endif %}",
    "x\n   {% set a = 1 %}   \n   {{ a }}\n",
    "   {{ 1 }}\n{% if true %}   z{% endif %}   ",
    "{% if zero %}a{% elif empty %}b{% elif yes %}c{% else %}d{% endif %}",
    "{% if x %}a{% else %}b{% endif %}{% if nothing is none and not zero %}c{% endif %}",
    "{% for a in [1, 2, 3] %}{{ a }},{% endfor %}|{{ a is defined }}",
    "{% for a in [] %}x{% else %}none{% endfor %}{% for a in x %}x{% else %}none{% endfor %}",
    "{% for a in [1, 2] %}{% continue %}{% else %}else{% endfor %}|{% for a in [1] %}{% break %}{% else %}else{% endfor %}|{% for a in [1, 2] %}{% if a == 2 %}{% break %}{% endif %}{{ a }}{% else %}else{% endfor %}",
    "{% for a in range(10) if a is odd %}{{ loop.index }}/{{ loop.length }}:{{ a }} {% endfor %}",
    "{% for a in range(10) if a > 20 %}x{% else %}none{% endfor %}",
    "{% for a in 'abc' %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.cycle('x', 'y') }}{{ loop.depth }}{{ loop.depth0 }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.previtem is defined }}{{ loop.changed(a) }}|{% endfor %}",
    "{% for a in [1, 1, 2] %}{{ loop.changed(a) }}{% endfor %}{% for a in [1] %}{{ loop }}{{ loop.nope is defined }}{% endfor %}",
    "{% for k, v in table.items() %}{{ k }}={{ v }};{% endfor %}{% for k in table %}{{ k }}{% endfor %}{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for a, b in [[1]] %}{% endfor %}",
    "{% for a, b in [[1, 2, 3]] %}{% endfor %}",
    "{% for a, b in [5] %}{% endfor %}",
    "{% for a in 5 %}{% endfor %}",
    "{% for a in none %}{% endfor %}",
    "{% for n in tree recursive %}{{ n.n }}@{{ loop.depth }}{% if n.c %}({{ loop(n.c) }}){% endif %}{% endfor %}",
    "{% for n in tree %}{{ loop(n.c) }}{% endfor %}",
    "{% for a in [1, 2] %}{% for b in [3, 4] %}{{ loop.index }}{{ a }}{{ b }}{% if b == 3 %}{% continue %}{% endif %}.{% endfor %}{{ loop.index }}|{% endfor %}",
    "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 5 %}{{ x }}{% endfor %}{{ x }}",
    "{% for i in [1, 2] %}{{ y is defined }}{% set y = 5 %}{{ y }}{% endfor %}{{ y is defined }}",
    "{% if true %}{% set x = 2 %}{% endif %}{{ x }}{% if false %}{% set zero = 9 %}{% endif %}{{ zero }}",
    "{% set ns = namespace(a=0, b='x') %}{% for i in range(4) %}{% set ns.a = ns.a + i %}{% set ns.c = i %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns.c }}{{ ns.zz is defined }}{{ ns['a'] }}{{ ns }}",
    "{% set table.a = 1 %}",
    "{% set x.a = 1 %}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (c, d) = [3, 4] %}{{ c }}{{ d }}{% set e = 1, %}{{ e }}{% set f = 1, 2 %}{{ f }}",
    "{% set a, b = 1 %}",
    "{% set ns = namespace() %}{% set ns.a, ns.b = 1, 2 %}{{ ns.a }}{{ ns.b }}",
    "{% set t %}a{{ 1 + 1 }}\n {% endset %}[{{ t }}]{% set u | upper | trim %} x {% endset %}[{{ u }}]{{ t is string }}",
    "{% set t %}{% set inner = 1 %}{% endset %}{{ inner is defined }}",
    "{% set 1 = 2 %}",
    "{% set true = 2 %}",
    "{% set a.b.c = 1 %}",
    "{% set a[0] = 1 %}",
    "{% macro f(a, b=2, c=a) %}{{ a }}-{{ b }}-{{ c }}{% endmacro %}{{ f(1) }}|{{ f(1, 3) }}|{{ f(1, c=4) }}|{{ f(b=1, a=2) }}|{{ f() }}",
    "{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}",
    "{% macro f(a) %}{% endmacro %}{{ f(z=2) }}",
    "{% macro f(a) %}{{ a.b }}{% endmacro %}{{ f() }}",
    "{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, x=3) }}{{ f }}{{ f.name }}{{ f.arguments }}{{ f.catch_kwargs }}{{ f.catch_varargs }}{{ f.caller }}",
    "{% macro f(x) %}<{{ caller() }}|{{ x }}>{% endmacro %}{% call f(1) %}body {{ number }}{% endcall %}",
    "{% macro f(x) %}<{{ caller(x, 2) }}>{% endmacro %}{% call(a, b=3, c=4) f(1) %}{{ a }}{{ b }}{{ c }}{% endcall %}",
    "{% macro f() %}{{ caller is defined }}{% endmacro %}{{ f() }}",
    "{% macro f() %}x{% endmacro %}{% call f() %}y{% endcall %}",
    "{% macro f(caller) %}{{ caller() }}{% endmacro %}",
    "{% macro f(caller=none) %}{{ caller is none }}{% endmacro %}{{ f() }}",
    "{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}",
    "{% macro f() %}{{ later }}{% endmacro %}{% set later = 3 %}{{ f() }}{% set later = 4 %}{{ f() }}",
    "{% macro f() %}{% set number = 1 %}{{ number }}{% endmacro %}{{ f() }}{{ number }}",
    "{% for i in [1, 2] %}{% macro g() %}{{ i }}{% endmacro %}{{ g() }}{% endfor %}{{ g is defined }}",
    "{% macro f(a, a) %}{% endmacro %}",
    "{% macro f(a=1, b) %}{% endmacro %}",
    "{% macro f(*args) %}{% endmacro %}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(*[1]) }}{{ f(**{'a': 2}) }}{{ [1, 2] | map('string') | list }}",
    "{% call 5 %}{% endcall %}",
    "{% filter upper %}a{{ 'b' }}{% endfilter %}{% filter replace('a', 'b') | indent(2, true) %}a\na{% endfilter %}",
    "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% set c = 3 %}{% endwith %}{{ a is defined }}{{ c is defined }}{% with %}{% set q = 1 %}{{ q }}{% endwith %}",
    "{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "{% block x %}a{{ number }}{% endblock %}{% block y scoped %}b{% endblock y %}",
    "{% block x %}a{% endblock %}{% block x %}a{% endblock %}",
    "{% print 1, 'a' %}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.current }}{% set j = joiner('|') %}{{ j() }}a{{ j() }}b{{ j() }}c",
    "{{ cycler() }}",
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m.content | trim + eos_token }}\n{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
    "{% for m in messages[1:] %}{{ m.role }}:{{ m.tool_calls is defined and m.tool_calls }};{% endfor %}{{ messages[-1].tool_calls[0].function.arguments.items() | list }}",
    "{%- for m in messages -%}\n  {%- if loop.first -%}\n    {{- bos_token -}}\n  {%- endif -%}\n  [{{ m.role }}]\n{%- endfor %}\n",
    "{% generation %}a{% set z = 1 %}{% endgeneration %}{{ z is defined }}",
    "{% for m in messages %}{% generation %}{{ m.role }}{% endgeneration %}{% endfor %}",
    "{% break %}",
    "{% for a in [1] %}{% macro f() %}{% break %}{% endmacro %}{% endfor %}",
    "{% for a in [1] %}{% set loop = 2 %}{% endfor %}",
    "{% for loop in [1] %}{% endfor %}",
    "{% set loop = 2 %}{{ loop }}",
    "{% for a in [1, 2] %}{% set b %}x{% if a == 1 %}{% continue %}{% endif %}{% endset %}{{ b }}{% endfor %}",
    "{% if true %}",
    "{% endif %}",
    "{% for a in b %}{% endif %}",
    "{% for a in b %}{% if c %}{% endfor %}{% endif %}",
    "{% nosuch %}",
    "{% do x %}",
    "{% %}",
    "{% 1 %}",
    "{{ }}",
    "{{ 1",
    "{% if",
    "{# x",
    "{% raw %}x",
    "{% for %}{% endfor %}",
    "{% for a of b %}{% endfor %}",
    "{% for a in %}{% endfor %}",
    "{% if %}{% endif %}",
    "{% else %}",
    "{% set %}",
    "{% set a %}",
    "{% include 'x' %}",
    "{% extends 'x' %}",
    "{% import 'x' as y %}",
    "{% from 'x' import y %}",
    "line\n\n{{ 1 +\n }}",
    "line\n{% if true %}\n{{ x.y }}\n{% endif %}",
    "{% if false %}{{ 1 | nosuch }}{% endif %}ok",
    "{% if false %}{{ 1 is nosuch }}{% endif %}ok",
    "{% if false %}{% for a in b %}{{ a | nosuch }}{% endfor %}{% endif %}ok",
    "{{ x if x else y.z }}",
    "{{ messages | map(attribute='content') | map('length') | sum }}",
    "{% set l = names | map('upper') %}{{ l | list | length }}{{ l | list | length }}",
    "{% for a in names | map('upper') %}{{ loop.length }}{{ loop.last }}{{ a }} {% endfor %}",
    "{% set ns = namespace(n=0) %}{% for a in [1, 2, 3] if ns.n < 2 %}{% set ns.n = ns.n + 1 %}{{ a }}{% endfor %}",
    "{% set ns = namespace(l=[]) %}{% for a in [1, 2] %}{% set ns.l = ns.l + [a] %}{% endfor %}{{ ns.l }}",
    "{{- 1 }} {{ 2 -}} x",
    "{{+ 1 }}{{ -1 }}{{-1}}{{ 1 - -1 }}",
    "{% set messages = messages[1:] %}{{ messages | length }}{% set x = x | default('q') %}{{ x }}",
    "{% set a = 1 %}{% set b = a %}{% set a = 2 %}{{ a }}{{ b }}",
    "{{ 'a' if yes }}{{ ('a' if false) | default('b') }}{{ 'c' if false else ('d' if false) }}|",
    "{%- set a = [] -%}{%- for x in [1, 2, 3] -%}{%- if x != 2 -%}{{- x -}}{%- endif -%}{%- endfor -%}",
    "{{ [1, 2, 3] | map('string') | join(', ') }}{{ (1, 2) | join }}",
    "{{ namespace }}{{ dict }}{{ cycler }}{{ joiner }}",
    "{{ undefined_function('a') }}",
    "{{ messages.nope('a') }}",
    "{{ messages[10].content }}",
    "{{ messages[10]['content'] }}",
    "{{ nothing.content }}",
    "{{ nothing['content'] }}",
    "{{ nothing.content.x }}",
    "{{ none + 'a' }}",
    "{{ messages + 'a' }}",
    "{{ 'a' + messages[0] }}",
    "{{ x + 'a' }}",
    "{{ 'a' + x }}",
    "{{ [1] + x }}",
    "{{ x < 1 }}",
    "{{ x == y }}{{ x != y }}{{ x == none }}{{ 'a' in x }}{{ x | list }}{{ x | string }}{{ not x }}",
    "{{ x in 'abc' }}",
    "{{ x in [1] }}{{ x in {} }}",
    "{{ -x }}",
    "{{ x * 2 }}",
    "{{ 1 // 0 }}",
    "{{ 1 / 0 }}",
    "{{ 1 % 0 }}",
    "{{ 1.0 // 0 }}",
    "{{ 0 ** -1 }}",
    "{{ 'x'.nope() }}",
    "{{ 'x'.strip(1) }}",
    "{{ 'x'.split(1) }}",
    "{{ 'x' | join(',', nope=1) }}",
    "{{ f(a=1, a=2) }}",
]

GENERATION = [
    "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{{ eos_token }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}\n{% endfor %}",
    "{%- for m in messages -%}\n{%- if m.role == 'assistant' -%}\n  {%- generation -%}\n  {{ m.content }}\n  {%- endgeneration -%}\n{%- else -%}\n😀{{ m.content }}\n{%- endif -%}\n{%- endfor -%}",
    "a{% generation %}{% endgeneration %}b{% generation %}c{% endgeneration %}",
]

# A comma makes a tuple, whose repr shows each value.
TEMPLATES = ["{{ " + line + " }}" for line in EXPRESSIONS] + STATEMENTS
