"""Our own few documents in the raw layouts of data sets that are not at hand, or not as published.

Written for the tests: they hold what the tasks have rules for (marks of WikiHow, brackets, capital
letters, digits as labels, spaces at ends, several blanks), and are no part of any data set.
"""


def _hellaswag(index, label, activity, ctx_a, ctx_b, endings):
    return {"ind": index, "activity_label": activity, "ctx_a": ctx_a, "ctx_b": ctx_b,
            "ctx": f"{ctx_a} {ctx_b}".strip(), "split": "val", "split_type": "indomain",
            "label": label, "endings": endings, "source_id": f"own~{index}"}


HELLASWAG_VALIDATION = [
    _hellaswag(0, 2, "Feeding parrots", "A keeper opens the door of the aviary.", "the keeper",
               ["sings to the moon.", "paints the floor with honey and  leaves.",
                "fills the bowls with seeds.", "closes a book that nobody reads."]),
    _hellaswag(1, 0, "Home and Garden", "[header] How to water ferns [title] Look at the soil."
               " [step] Put a finger into it.", "",
               ["If it is dry, give a cup of water. [substeps] Wait an hour.",
                "[title] Throw the pot away. [step] Buy another.", "Eat the [odd] soil  slowly.",
                "Ferns are  always dry, so ask a neighbour about the weather in spring."]),
    _hellaswag(2, 3, "Rowing", "Two WOMEN carry a boat to the river.", "they Put The Boat",
               ["on a shelf beside the cups.", "into an envelope and write an address on it.",
                "into the oven.", "into the water and sit down in it."]),
    _hellaswag(3, 1, "Baking bread", " The dough has risen for an hour.  ", "éva THEN",
               ["asks the dough a question.", "shapes it and puts it into the oven.",
                "hangs it on a line – to dry.", "counts to a million."]),
    _hellaswag(4, 1, "Sharpening a pencil", "A boy turns a pencil in a sharpener.", "shavings",
               ["fly to the sun [laughs] and back.", "fall on the table.", "become a fish.", "rest"]),
]

HELLASWAG_TRAIN = [
    _hellaswag(100 + i, i % 4, activity, first, second, endings)
    for i, (activity, first, second, endings) in enumerate([
        ("Skating", "A girl ties her skates.", "she",
         ["glides over the ice.", "eats the ice.", "flies off.", "reads a map of the ice."]),
        ("Mowing", "A man starts a mower.", "the man",
         ["sleeps on it.", "mows the lawn.", "boils it.", "sends it a letter."]),
        ("Chess", "Two friends sit at a board.", "one of them",
         ["paints it.", "swims.", "moves a pawn.", "barks at the queen."]),
        ("Family Life", "[header] How to fold a shirt [title] Lay it flat. [step] Smooth it.", "",
         ["[title] Burn it.", "Sing.", "Wait for rain.", "[title] Fold the sleeves inwards."]),
        ("Swimming", "A swimmer stands on the block.", "at the signal he",
         ["dives in.", "leaves by bus.", "cooks.", "asks for tea."]),
        ("Drumming", "A drummer lifts the sticks.", "the audience",
         ["melts.", "listens.", "turns into stone.", "goes back to 1850."]),
    ])
]

LORIKEET = "The lorikeet did not fit into the nest because the _ was too "

WINOGRANDE_DEV = [
    {"qID": "own-1", "sentence": LORIKEET + "large.", "option1": "lorikeet", "option2": "nest",
     "answer": "1"},
    {"qID": "own-2", "sentence": LORIKEET + "small.", "option1": "lorikeet", "option2": "nest",
     "answer": "2"},
    {"qID": "own-3", "sentence": "Ana thanked Mia in the garden, for _ had  helped her a lot. ",
     "option1": "Ana", "option2": "Mia", "answer": "2"},
    {"qID": "own-4", "sentence": "The rope held the boat although the _, old as it was, was wet.",
     "option1": "rope", "option2": "boat", "answer": "1"},
    {"qID": "own-5", "sentence": "_ lent Omar a coat, so Omar was warm and _ was cold.",
     "option1": "Peter", "option2": "Omar", "answer": "1"},
]

WINOGRANDE_TRAIN = [
    {"qID": f"own-t{i}", "sentence": s, "option1": a, "option2": b, "answer": answer}
    for i, (s, a, b, answer) in enumerate([
        ("The cup broke on the stone as the _ was thin.", "cup", "stone", "1"),
        ("Lena wrote to Ida because _ had asked for news.", "Lena", "Ida", "2"),
        ("The fox chased the hen until the _ was tired of running after it.", "fox", "hen", "1"),
        ("Milk was poured into the jug until the _ was full.", "milk", "jug", "2"),
        ("The lamp lit the room, so the _ was bright to sit in.", "lamp", "room", "2"),
    ])
]


def _arc(name, stem, texts, labels, key):
    return {"id": name, "question": {"stem": stem, "choices": [
        {"text": t, "label": l} for t, l in zip(texts, labels)]}, "answerKey": key}


ABCD = ["A", "B", "C", "D"]

ARC_EASY_TEST = [
    _arc("own_1", "Which of these gives light of its own?",
         ["the Sun", "the Moon", "a mirror", "a window"], ABCD, "A"),
    _arc("own_2", "What does a plant take from the air to make sugar?",
         ["oxygen", "carbon dioxide", "helium", "salt"], ["1", "2", "3", "4"], "2"),
    _arc("own_3", "A bird keeps its eggs warm. Why?", ["so that they grow", "so that they shine",
                                                       "so that they roll"], ABCD[:3], "A"),
    _arc("own_4", "Which unit measures mass?", ["metre", "second", "kilogram", "litre", "volt"],
         ABCD + ["E"], "C"),
]

ARC_CHALLENGE_TEST = [
    _arc("own_5", "Two blocks of the same mass have different volumes. What is true of the smaller?",
         ["It is denser.", "It is lighter.", "It is warmer.", "It is older."], ABCD, "A"),
    _arc("own_6", "Which change is a chemical one?", ["ice melts", "paper is cut", "iron rusts",
                                                      "sugar dissolves"], ["1", "2", "3", "4"], "3"),
    _arc("own_7", "Why is the sky dark at night?\nChoose one.", ["The Earth turned away from the Sun.",
         "The Sun went out.", "Clouds are black.", "The Moon is in front."], ABCD, "A"),
]

ARC_TRAIN = [
    _arc(f"own_t{i}", stem, texts, ABCD, key)
    for i, (stem, texts, key) in enumerate([
        ("Which animal lays eggs?", ["hen", "cat", "dog", "cow"], "A"),
        ("What melts in the warmth?", ["stone", "ice", "sand", "glass"], "B"),
        ("Which is a solid?", ["steam", "water", "iron", "air"], "C"),
        ("What pulls things down?", ["light", "sound", "heat", "gravity"], "D"),
        ("Which is a source of heat?", ["fire", "shade", "snow", "fog"], "A"),
        ("What do roots take up?", ["light", "water", "sound", "wind"], "B"),
        ("Which is largest?", ["an ant", "a cup", "a hill", "a pea"], "C"),
    ])
]

PIQA_TRAIN = [
    {"goal": goal, "sol1": one, "sol2": two}
    for goal, one, two in [
        ("To keep bread fresh", "put it into a box", "put it into the rain"),
        ("Dry wet shoes", "fill them with water", "fill them with paper"),
        ("open a jar", "turn its lid", "turn its label"),
        ("To mark a page,", "lay a leaf of paper there", "lay a wet sponge there"),
        ("Cool soup", "leave it on the fire", "stir it in a cool place"),
        ("find north at noon", "look away from the sun, in the north", "look into the sun"),
    ]
]
PIQA_TRAIN_LABELS = [0, 1, 0, 0, 1, 0]
PIQA_VALID = [
    {"goal": "Carry eggs home", "sol1": "in a carton ", "sol2": "loose in a bag with stones"},
    {"goal": "hang a picture", "sol1": "put a nail into the ceiling of another house",
     "sol2": "put a nail into the wall"},
    {"goal": "Clean a window", "sol1": "with vinegar and a cloth", "sol2": "with honey and sand"},
]
PIQA_VALID_LABELS = [0, 1, 0]

LAMBADA = {
    "test": [
        {"text": "He had lost the key of the old house , so he looked for the key"},
        {"text": "she took the lamp , lit it , and went down . it was the only lamp"},
        {"text": "“ Who is there ? ” asked the miller . nobody spoke to the miller"},
    ],
    "validation": [
        {"text": "the cook tasted the soup and was pleased with the soup"},
        {"text": "a dog ran over the bridge and stopped behind the bridge"},
        {"text": "they sang the song again , for everybody liked the song"},
        {"text": "it snowed for a week and nobody could see the road for snow"},
    ],
}

WIKITEXT_TEST = """ 
 = Own page = 
 
 The lorikeet ( Trichoglossus ) is a well @-@ known bird ; it weighs 1 @,@ 500 grains , or 0 @.@ 1 \
kilograms . " It sings " , wrote a keeper 's friend in [ 1 ] { two } notes : ' high ' and N low ones \
! Is it so ? Yes . 
 
 = = Nests = = 
 
 The birds ' nests are at 20 ° C on the birds ' side / ' 5/ of the wood . 
 = = = Old ones = = = 
 They last . 
 = Another page = 
 
 Short — but with “ wide ” letters .\u00a0 
"""


def _problem(question, answer):
    return {"question": question, "answer": answer}


GSM8K_TRAIN = [
    _problem("Ann has 3 pears and buys 4. How many has she?", "3+4=<<3+4=7>>7.\n#### 7"),
    _problem("A box holds 12 eggs. How many do 5 boxes hold?", "12*5=<<12*5=60>>60.\n#### 60"),
    _problem("Tom had $1,200 and spent $200. What is left?", "1200-200=1000.\n#### 1,000"),
    _problem("Six cats have how many legs?", "6*4=<<6*4=24>>24.\n#### 24"),
    _problem("It is 5 degrees and gets 8 colder. How warm is it?", "5-8=-3.\n#### -3"),
    _problem("Half of 9 litres?", "9/2=4.5.\n#### 4.5"),
]

GSM8K_TEST = [
    _problem("A shop sells 1,000 nuts a day. How many in 2 days?", "2*1000=2000.\n#### 2,000"),
    _problem("Eve walks 3 miles twice. How far?", "3*2=<<3*2=6>>6.\n#### 6"),
    _problem("From 2 take 9.", "2-9=-7\n#### -7"),
    _problem("Price of 3 pens at $2?", "3*2=6\n#### 6"),
    _problem("How many are a dozen?", "#### 12"),
]

# Outputs that try the two ways to find a number; every one is given to every problem.
GSM8K_OUTPUTS = [
    " 2*1000=2000.\n#### 2,000", " It is 2000.", "#### 2,000.", " #### $2,000", " the answer is $6.",
    " 6\n#### 6 and then #### 7", " none", "", " -7", " #### -7 ", " 12 or 13", " about 6.0", " A #### B",
    " #### .", " 1,2,3", " minus 7 is - 7", " Six. 6", "#### 12\n",
]

MMLU_DEV = [
    ['A question, with a comma\nand "quotes"?', "one", "two", "three", "four", "B"],
    [" Spaces around? ", "yes", "no", "maybe", "1", "A"],
]
MMLU_TEST = [
    ["Which is a prime?", "4", "6", "7", "9", "C"],
    ['What is "zwei"?', "two", 'the "second"', "three, almost", "", "A"],
    [" Line\nbreak? ", "a", "b", "c", "d", "D"],
]

TRUTHFULQA = [
    {"question": "Can lorikeets read?",
     "mc1_targets": {"No, they cannot.": 1, "Yes, since 1850.": 0, "Only maps.": 0},
     "mc2_targets": {"No, they cannot.": 1, "No.": 1, "Yes, since 1850.": 0, "Only maps.": 0}},
    {"question": "What is “red”?",
     "mc1_targets": {"A colour.": 1, "A bird.": 0},
     "mc2_targets": {"A colour.": 1, "A bird.": 0, "What light of 700 nm looks like.": 1,
                     "A sound.": 0}},
    {"question": "How long is a metre?",
     "mc1_targets": {"One metre.": 1, "Two metres.": 0, "It depends on the season.": 0},
     "mc2_targets": {"One metre.": 1, "100 centimetres.": 1, "Two metres.": 0}},
]

BLIMP_CAUSATIVE = [
    {"sentence_good": good, "sentence_bad": bad, "UID": "causative"}
    for good, bad in [("Mia opened the door.", "Mia arrived the door."),
                      ("A storm broke the mast.", "A storm came the mast."),
                      ("The cook boils eggs.", "The cook falls eggs."),
                      ("Ten birds shook that tree.", "Ten birds slept that tree.")]
]

ARITHMETIC_2DA = [
    {"context": f"\n\nQ: What is {a} plus {b}?\n\nA:", "completion": f" {a + b}"}
    for a, b in [(11, 22), (5, 90), (11, 22), (48, 13), (70, 7), (99, 99), (11, 22)]
]
