//! EBNF text → rules. Knows the notation, not the language.

use std::collections::BTreeMap;

/// A grammar: its rules by name.
#[derive(Debug)]
pub(crate) struct Grammar {
    rules: BTreeMap<String, Rule>,
}

/// The right side of a rule, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// One after the other.
    Sequence(Vec<Rule>),
    /// One of them.
    Choice(Vec<Rule>),
    /// Once or not at all.
    Maybe(Box<Rule>),
    /// Any number of times.
    Many(Box<Rule>),
    /// A token.
    Token(String),
    /// Another rule.
    Name(String),
    /// Something that is described in words.
    Words(String),
}

impl Grammar {
    /// Reads a grammar. It is part of the repository, so a mistake in it ends the test.
    pub(crate) fn read(text: &str) -> Self {
        let mut reader = Reader { tokens: tokens(text), at: 0 };
        let mut rules = BTreeMap::new();
        while reader.at < reader.tokens.len() {
            let Piece::Name(name) = reader.next() else { panic!("a rule begins with its name") };
            assert_eq!(reader.next(), Piece::Mark('='), "after `{name}`");
            let rule = reader.choice();
            assert_eq!(reader.next(), Piece::Mark(';'), "at the end of `{name}`");
            assert!(rules.insert(name.clone(), rule).is_none(), "`{name}` is told twice");
        }
        let grammar = Self { rules };
        grammar.rules.values().for_each(|rule| grammar.check(rule));
        grammar
    }

    /// Returns the rule of that name.
    pub(crate) fn rule(&self, name: &str) -> &Rule {
        &self.rules[name]
    }

    /// Returns the names of all rules.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.rules.keys()
    }

    fn check(&self, rule: &Rule) {
        match rule {
            Rule::Sequence(parts) | Rule::Choice(parts) => parts.iter().for_each(|part| self.check(part)),
            Rule::Maybe(inner) | Rule::Many(inner) => self.check(inner),
            Rule::Name(name) => assert!(self.rules.contains_key(name), "there is no rule `{name}`"),
            Rule::Token(_) | Rule::Words(_) => {}
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Name(String),
    Token(String),
    Words(String),
    Mark(char),
}

fn tokens(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let until = |end: &str, from: usize| rest[from..].find(end).map(|at| at + from).expect("is closed");
        let taken = match first {
            '(' if rest.starts_with("(*") => until("*)", 2) + 2,
            '"' => {
                let end = until("\"", 1);
                pieces.push(Piece::Token(rest[1..end].to_owned()));
                end + 1
            }
            '?' => {
                let end = until("?", 1);
                pieces.push(Piece::Words(rest[1..end].trim().to_owned()));
                end + 1
            }
            letter if letter.is_alphabetic() => {
                let end = rest.find(|c: char| !c.is_alphabetic() && c != ' ').unwrap_or(rest.len());
                pieces.push(Piece::Name(rest[..end].trim().to_owned()));
                end
            }
            mark => {
                pieces.push(Piece::Mark(mark));
                1
            }
        };
        rest = rest[taken..].trim_start();
    }
    pieces
}

struct Reader {
    tokens: Vec<Piece>,
    at: usize,
}

impl Reader {
    fn next(&mut self) -> Piece {
        self.at += 1;
        self.tokens[self.at - 1].clone()
    }

    fn takes(&mut self, mark: char) -> bool {
        let found = self.tokens.get(self.at) == Some(&Piece::Mark(mark));
        self.at += usize::from(found);
        found
    }

    fn choice(&mut self) -> Rule {
        let mut choices = vec![self.sequence()];
        while self.takes('|') {
            choices.push(self.sequence());
        }
        if choices.len() == 1 { choices.remove(0) } else { Rule::Choice(choices) }
    }

    fn sequence(&mut self) -> Rule {
        let mut parts = vec![self.part()];
        while self.takes(',') {
            parts.push(self.part());
        }
        if parts.len() == 1 { parts.remove(0) } else { Rule::Sequence(parts) }
    }

    fn part(&mut self) -> Rule {
        let inner = |reader: &mut Self, end: char| {
            let rule = reader.choice();
            assert!(reader.takes(end), "`{end}` is missing");
            rule
        };
        match self.next() {
            Piece::Name(name) => Rule::Name(name),
            Piece::Token(token) => Rule::Token(token),
            Piece::Words(words) => Rule::Words(words),
            Piece::Mark('[') => Rule::Maybe(Box::new(inner(self, ']'))),
            Piece::Mark('{') => Rule::Many(Box::new(inner(self, '}'))),
            Piece::Mark('(') => inner(self, ')'),
            Piece::Mark(other) => panic!("`{other}` stands where a part of a rule should"),
        }
    }
}
