import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { branchTo, siblingsOf, type MappedMessage } from "../../src/mapping/index.js";

const message = (message_id: string, second: number, parent_id?: string): MappedMessage => ({
  conversation_id: "c",
  message_id,
  timestamp: new Date(1767583930000 + second * 1000).toISOString(),
  ...(parent_id !== undefined && { parent_id }),
});
const ids = (messages: MappedMessage[]) => messages.map(({ message_id }) => message_id).join(" ");

/** A question with two answers, and its edited version with an answer that was asked about. */
const tree = [
  message("q1", 0),
  message("a1", 1, "q1"),
  message("a2", 2, "q1"),
  message("q2", 3),
  message("a3", 4, "q2"),
  message("q3", 5, "a3"),
];

describe("a branch", () => {
  it("goes from the first message to the leaf", () => {
    expect(ids(branchTo(tree, "a1"))).toBe("q1 a1");
    expect(ids(branchTo(tree, "a2"))).toBe("q1 a2");
    expect(ids(branchTo(tree, "q3"))).toBe("q2 a3 q3");
  });

  it("is that of the newest message where no leaf is named, or none that is there", () => {
    expect(ids(branchTo(tree))).toBe("q2 a3 q3");
    expect(ids(branchTo(tree, "gone"))).toBe("q2 a3 q3");
    expect(branchTo([])).toEqual([]);
  });

  it("is the whole conversation, by time, where no message has a parent", () => {
    const line = [message("b", 2), message("a", 1), message("c", 2)];
    expect(ids(branchTo(line))).toBe("a b c");
    expect(ids(branchTo(line, "b"))).toBe("a b");
  });

  it("begins where a parent is missing", () => {
    const without = tree.filter(({ message_id }) => message_id !== "a3");
    expect(ids(branchTo(without, "q3"))).toBe("q3");
  });

  it("ends with a message whose time is not told yet", () => {
    const untold: MappedMessage = { conversation_id: "c", message_id: "new", parent_id: "a1" };
    expect(ids(branchTo([untold, ...tree]))).toBe("q1 a1 new");
  });

  it("finds a parent by its UUID, in whatever case an app writes it", () => {
    const id = "4ccab2ce-f948-4a7b-bec6-103d5125687c";
    const pulled = [message(id, 0), message("a1", 1, id.toUpperCase())];
    expect(ids(branchTo(pulled, "a1"))).toBe(`${id} a1`);
    expect(ids(branchTo(pulled, id.toUpperCase()))).toBe(id);
  });

  it("ends, and has no message twice, whatever the parents are", () => {
    const any = fc.uniqueArray(
      fc.record({ id: fc.stringMatching(/^[a-f]$/), parent: fc.stringMatching(/^[a-g]$/) }),
      { selector: ({ id }) => id },
    );
    fc.assert(
      fc.property(any, (rows) => {
        const messages = rows.map(({ id, parent }, second) => message(id, second, parent));
        for (const { message_id } of messages) {
          const branch = branchTo(messages, message_id);
          expect(branch.at(-1)?.message_id).toBe(message_id);
          expect(new Set(branch).size).toBe(branch.length);
        }
      }),
    );
  });
});

describe("the siblings of a message", () => {
  it("are the answers to its question, or the versions of its question", () => {
    const at = (id: string) => tree.find(({ message_id }) => message_id === id) as MappedMessage;
    expect(ids(siblingsOf(tree, at("a2")))).toBe("a1 a2");
    expect(ids(siblingsOf(tree, at("q1")))).toBe("q1 q2");
    expect(ids(siblingsOf(tree, at("q3")))).toBe("q3");
  });

  it("are none but itself where no message has a parent", () => {
    const line = [message("a", 1), message("b", 2)];
    expect(ids(siblingsOf(line, line[1] as MappedMessage))).toBe("b");
  });
});
