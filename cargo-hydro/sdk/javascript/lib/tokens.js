//! The words of a script's text: names, strings, signs. Reads the text and runs nothing.
//!
//! Knows just enough of JavaScript and TypeScript to skip comments, strings, templates and regular expressions.

const SPACE = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|^#![^\n]*)+/y;
const NAME = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /\.?\d(?:[eE][+-]|[\w.])*/y;
const STRING = /"(?:[^"\\\n]|\\[\s\S])*"?|'(?:[^'\\\n]|\\[\s\S])*'?/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;
const SIGN = /\?\.(?!\d)|=>|\.\.\.|[^]/y;
const TEXT_OF_TEMPLATE = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y;
// Behind these a `/` begins a regular expression.
const BEFORE_VALUE = /^(?:return|typeof|case|in|of|delete|void|throw|new|await|yield|else|do|instanceof)$/;

/** Returns the words of a text: `kind` (`name`, `string`, `number`, `sign`, `other`), `text`, `line`; a string's text is what it means. */
export function tokens(text) {
  return new Reader(text).all();
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.line = 1;
    this.found = [];
    // How many braces are open in each template's `${…}` that is open.
    this.templates = [];
  }

  all() {
    while (this.at < this.text.length) this.one();
    return this.found;
  }

  one() {
    if (this.take(SPACE) !== undefined) return;
    if (this.text[this.at] === "`") {
      this.step("`");
      this.template();
      return;
    }
    const line = this.line;
    const push = (kind, text) => this.found.push({ kind, text, line });
    let text;
    if ((text = this.take(NAME)) !== undefined) push("name", text);
    else if ((text = this.take(NUMBER)) !== undefined) push("number", text);
    else if ((text = this.take(STRING)) !== undefined) push("string", meaning(text));
    else if (this.beginsRegex() && (text = this.take(REGEX)) !== undefined) push("other", text);
    else if ((text = this.take(SIGN)) !== undefined) this.sign(text, push);
  }

  sign(text, push) {
    const depth = this.templates.length - 1;
    if (depth >= 0 && text === "{") this.templates[depth] += 1;
    if (depth >= 0 && text === "}" && this.templates[depth]-- === 0) {
      this.templates.pop();
      push("sign", ")");
      this.template();
      return;
    }
    push("sign", text);
  }

  /** Reads a template's text up to its end or to the next `${`, whose inside is read as any other words. */
  template() {
    const line = this.line;
    const text = this.take(TEXT_OF_TEMPLATE) ?? "";
    const end = this.text[this.at];
    this.found.push({ kind: end === "`" && this.text[this.at - text.length - 1] === "`" ? "string" : "other", text, line });
    if (end === "$") {
      this.step("${");
      this.templates.push(0);
      this.found.push({ kind: "sign", text: "(", line });
    } else if (end === "`") {
      this.step("`");
    }
  }

  beginsRegex() {
    if (this.text[this.at] !== "/") return false;
    const before = this.found.at(-1);
    if (!before) return true;
    if (before.kind === "name") return BEFORE_VALUE.test(before.text);
    return before.kind === "sign" && ![")", "]", "}"].includes(before.text);
  }

  take(pattern) {
    pattern.lastIndex = this.at;
    const text = pattern.exec(this.text)?.[0];
    if (text) this.step(text);
    return text || undefined;
  }

  step(text) {
    this.at += text.length;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.line += 1;
  }
}

function meaning(quoted) {
  const inside = quoted.slice(1, quoted.endsWith(quoted[0]) && quoted.length > 1 ? -1 : undefined);
  return inside.replace(/\\([^])/g, "$1");
}
