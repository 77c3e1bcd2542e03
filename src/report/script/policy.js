// Whose word on a public log counts (c2sp.org/tlog-policy), read strictly, and what a
// quorum says of a time (format §16.6).

import { toHex } from "./bytes.js";
import { COSIGNATURE, ED25519, readVerifierKey } from "./note.js";

const MOST = 256;
const SHAPES = { log: [1, 2], witness: [2, 3], group: [3, Infinity], quorum: [1, 1] };

// Reads a policy; throws an error that names the line.
export function readPolicy(text) {
  const policy = { logs: [], witnesses: [], groups: [], quorum: undefined, names: new Map(), members: new Set(), keys: new Set() };
  const lines = text.split("\n");
  if (lines.pop() !== "" || text.length > 2 ** 20) {
    throw new Error("the policy has no newline at its end, or more than 1 MiB");
  }
  lines.forEach((line, at) => {
    try {
      takeWords(policy, line);
    } catch (error) {
      throw new Error(`line ${at + 1} of the policy: ${error.message}`);
    }
  });
  if (policy.quorum === undefined) {
    throw new Error("the policy has no quorum line");
  }
  return policy;
}

function takeWords(policy, line) {
  // eslint-disable-next-line no-control-regex -- these are what is refused
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(line)) {
    throw new Error("a control character");
  }
  const [word, ...rest] = line.split(/[ \t]+/).filter((one) => one !== "");
  if (word === undefined || word.startsWith("#")) {
    return;
  }
  const [least, most] = Object.hasOwn(SHAPES, word) ? SHAPES[word] : [Infinity, 0];
  if (rest.length < least || rest.length > most) {
    throw new Error("it is not a log, witness, group or quorum");
  }
  ({ log: takeLog, witness: takeWitness, group: takeGroup, quorum: takeQuorum })[word](policy, rest);
  if ([policy.logs, policy.witnesses, policy.groups].some((list) => list.length > MOST)) {
    throw new Error("more than 256 logs, witnesses or groups");
  }
}

function keyFor(policy, text, isLog) {
  const key = readVerifierKey(text);
  const known = toHex(key.key);
  if (policy.keys.has(known) || (isLog ? key.type === COSIGNATURE : key.type === ED25519)) {
    throw new Error("the key is of another use, or stands twice");
  }
  policy.keys.add(known);
  return key;
}

function takeLog(policy, [key]) {
  policy.logs.push(keyFor(policy, key, true));
}

function takeWitness(policy, [name, key]) {
  const known = keyFor(policy, key, false);
  define(policy, name, { witness: policy.witnesses.length });
  policy.witnesses.push({ name, key: known });
}

function takeGroup(policy, [name, threshold, ...names]) {
  const needed = { all: names.length, any: 1 }[threshold] ?? (/^[1-9][0-9]*$/.test(threshold) ? Number(threshold) : 0);
  if (needed < 1 || needed > names.length) {
    throw new Error(`${threshold} is not all, any or a number from 1 to the number of members`);
  }
  const members = names.map((member) => {
    if (!policy.names.has(member) || policy.members.has(member)) {
      throw new Error(`${member} is not defined before, or a member already`);
    }
    policy.members.add(member);
    return policy.names.get(member);
  });
  define(policy, name, { group: policy.groups.length });
  policy.groups.push({ name, needed, members });
}

function define(policy, name, member) {
  if (name === "none" || policy.names.has(name)) {
    throw new Error(`the name ${name} is taken`);
  }
  policy.names.set(name, member);
}

function takeQuorum(policy, [name]) {
  if (policy.quorum !== undefined || (name !== "none" && !policy.names.has(name))) {
    throw new Error("a second quorum, or one that is not defined before");
  }
  policy.quorum = name === "none" ? null : policy.names.get(name);
}

// The bound that a quorum of `cosigned`, `[{ witness, time }]`, gives: `{ time, witnesses }`,
// or null. `later` for "not later than", else "not earlier than".
export function boundOf(policy, cosigned, later) {
  const order = (a, b) => (later ? a.time - b.time : b.time - a.time);
  const groups = [];
  const of = (member) => {
    if (member.group !== undefined) {
      return groups[member.group];
    }
    const [first] = cosigned.filter(({ witness }) => witness === member.witness).sort(order);
    return first ? { time: first.time, witnesses: [member.witness] } : null;
  };
  for (const { needed, members } of policy.groups) {
    const bounds = members.map(of).filter(Boolean).sort(order).slice(0, needed);
    // The last of them is the one that says the least.
    groups.push(bounds.length < needed ? null : { time: bounds.at(-1).time, witnesses: bounds.flatMap((one) => one.witnesses).sort((a, b) => a - b) });
  }
  return policy.quorum === null ? null : of(policy.quorum);
}
