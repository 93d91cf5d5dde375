// The list of what was said and what happened, newest at the bottom.
//
// Everything that comes from a peer becomes text by textContent, never markup.

const MAX_LINES = 200;
const MAX_TEXT = 2_000;

export class Log {
  #root;
  #empty;
  #last = null; // the latest note, so that a repetition is not written twice

  constructor(root) {
    this.#root = root;
    this.#empty = root.querySelector(".empty");
  }

  // hint is what stands there while nothing has been said yet.
  hint(text) {
    if (this.#empty.textContent !== text) this.#empty.textContent = text;
  }

  note(text) {
    if (this.#last?.textContent === text && this.#last === this.#root.lastElementChild) return;
    this.#last = element("p", "note", text);
    this.#add(this.#last, false);
  }

  // message adds somebody's words and returns a function that sets the small
  // print under them: (text, failed).
  message(kind, name, text, print) {
    const line = element("p", `message ${kind}`, "");
    const small = element("span", "print", print);
    line.append(element("span", "who", name), element("span", "text", text), small);
    this.#empty.hidden = true;
    this.#add(line, kind === "own");
    return (words, failed = false) => {
      small.textContent = words;
      line.classList.toggle("failed", failed);
    };
  }

  // Somebody who reads further up is not pulled down by what others say.
  #add(line, follow) {
    const { scrollHeight, scrollTop, clientHeight } = this.#root;
    const atEnd = scrollHeight - scrollTop - clientHeight < 40;
    this.#root.append(line);
    // The hint is the first child and stays.
    while (this.#root.childElementCount > MAX_LINES + 1) this.#root.children[1].remove();
    if (follow || atEnd) this.#root.scrollTop = this.#root.scrollHeight;
  }
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return made;
}
