// Scores rows with json-rules-engine: one rule for each band that is worth points, one run for each runner.
// Reads {tables, rows, repeats} on standard input; writes {scores, us} (CPU microseconds a runner, each round).
import { readFileSync } from "node:fs";
import { Engine } from "json-rules-engine";

const { tables, rows, rounds, count } = JSON.parse(readFileSync(0, "utf8"));
const engine = new Engine([], { allowUndefinedFacts: true });

for (const joint of Object.values(tables)) {
  for (const { members } of joint.groups) {
    for (const { key, feature, steps, lowest, choices } of members) {
      const add = (points, all) => points && engine.addRule({ conditions: { all }, event: { type: key, params: { points } } });
      const from = ({ edge, exclusive }) => ({ fact: feature, operator: exclusive ? "greaterThan" : "greaterThanInclusive", value: edge });
      const until = ({ edge, exclusive }) => ({ fact: feature, operator: exclusive ? "lessThanInclusive" : "lessThan", value: edge });
      steps.forEach((step, place) => add(step.points, place ? [from(step), until(steps[place - 1])] : [from(step)]));
      if (steps.length) add(lowest, [until(steps.at(-1))]);
      for (const [choice, points] of Object.entries(choices)) add(points, [{ fact: feature, operator: "equal", value: choice }]);
    }
  }
}

async function score(row) {
  const { events } = await engine.run(row);
  const worth = Object.fromEntries(events.map(({ type, params }) => [type, params.points]));
  return Object.values(tables).map(({ base, groups }) => {
    let raw = base;
    for (const { extreme, members } of groups) raw += Math[extreme](...members.map(({ key }) => worth[key] ?? 0));
    return Math.floor((Math.min(Math.max(raw, 0), 10000) + 50) / 100);
  });
}

const scores = [];
for (const row of rows) scores.push(await score(row));
const us = [];
for (let round = 0; round < rounds; round++) {
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) await score(rows[i % rows.length]);
  const { user, system } = process.cpuUsage(before);
  us.push((user + system) / count);
}
console.log(JSON.stringify({ scores, us }));
