// What is decided at the thresholds, and what it is worth. The same as tintype_trainer.evaluation, which tests hold it to.

const SCORE_UNIT = 1e6;
const [RIGHT, , IGNORED] = [0, 1, 2]; // places in MATCHES

/**
 * Return what is decided of each example, and the counts of each concept.
 *
 * An outcome has `annotated` and `decided` (places of concepts, null for none), `score`, `sure` (how sure the network
 * is of a decision that is wrong) and in Detection `truth` and `found`, the boxes.
 */
function decide(report, thresholds) {
  const { annotated, answers } = report.evaluated.examples;
  const outcomesOf = { Classification: classified, Tagging: tagged, Detection: located }[report.viewType];
  const outcomes = annotated.map((truth, place) => outcomesOf(truth, answers[place], thresholds));
  const detection = report.viewType === 'Detection';
  const counts = detection ? countsOfBoxes(report, thresholds) : countsOf(outcomes, thresholds.length);
  return { outcomes, counts };
}

function classified(truth, found, thresholds) {
  const annotated = truth[0];
  if (!found.length) return [{ annotated, decided: null, score: 0, sure: 0 }];
  const score = found[1] / SCORE_UNIT;
  const decided = score >= thresholds[found[0]] ? found[0] : null;
  return [{ annotated, decided, score, sure: decided === null ? 0 : score }];
}

function tagged(truth, found, thresholds) {
  const holds = new Set(truth);
  const outcomes = [];
  for (let at = 0; at < found.length; at += 2) {
    const concept = found[at];
    const score = found[at + 1] / SCORE_UNIT;
    const decided = score >= thresholds[concept];
    const held = holds.delete(concept);
    if (!decided && !held) continue;
    outcomes.push({
      annotated: held ? concept : null,
      decided: decided ? concept : null,
      score,
      sure: held ? 1 - score : score,
    });
  }
  for (const concept of holds) outcomes.push({ annotated: concept, decided: null, score: 0, sure: 0 });
  return outcomes;
}

function located(truth, found, thresholds) {
  const decided = found.filter((box) => box[1] / SCORE_UNIT >= thresholds[box[0]]);
  const free = truth.map((box) => !box[5]);
  const pairs = decided.map(() => null);
  for (const within of [true, false]) {
    decided.forEach((box, place) => {
      if (pairs[place] !== null) return;
      pairs[place] = bestFree(box, free, (other) => !within || truth[other][0] === box[0]);
      if (pairs[place] !== null) free[pairs[place]] = false;
    });
  }
  const outcomes = [];
  decided.forEach((box, place) => {
    const pair = pairs[place];
    if (pair === null && overlapped(box).some(([other]) => truth[other][5])) return;
    const score = box[1] / SCORE_UNIT;
    const annotated = pair === null ? null : truth[pair][0];
    outcomes.push({ annotated, decided: box[0], score, sure: score, found: box, truth: pair === null ? null : truth[pair] });
  });
  truth.forEach((box, place) => {
    if (free[place]) outcomes.push({ annotated: box[0], decided: null, score: 0, sure: 0, found: null, truth: box });
  });
  return outcomes;
}

/** Return the place of the free box that a detection overlaps most, the first of equal ones; null where there is none. */
function bestFree(box, free, allowed) {
  let best = null;
  let most = 0;
  for (const [other, overlap] of overlapped(box)) {
    if (free[other] && allowed(other) && overlap > most) [best, most] = [other, overlap];
  }
  return best;
}

function overlapped(box) {
  const pairs = [];
  for (let at = 7; at < box.length; at += 2) pairs.push([box[at], box[at + 1]]);
  return pairs;
}

function countsOf(outcomes, concepts) {
  const counts = emptyCounts(concepts);
  for (const { annotated, decided } of outcomes.flat()) {
    if (annotated === decided) counts[annotated].right += 1;
    else {
      if (decided !== null) counts[decided].wrong += 1;
      if (annotated !== null) counts[annotated].missed += 1;
    }
  }
  return counts;
}

/** Count as COCO matches: within a concept, the surest detections first, which no threshold changes. */
function countsOfBoxes(report, thresholds) {
  const counts = emptyCounts(thresholds.length);
  const { annotated, answers } = report.evaluated.examples;
  for (const box of annotated.flat()) if (!box[5]) counts[box[0]].missed += 1;
  for (const box of answers.flat()) {
    if (box[1] / SCORE_UNIT < thresholds[box[0]] || box[6] === IGNORED) continue;
    const own = counts[box[0]];
    if (box[6] === RIGHT) {
      own.right += 1;
      own.missed -= 1;
    } else own.wrong += 1;
  }
  return counts;
}

function emptyCounts(concepts) {
  return Array.from({ length: concepts }, () => ({ right: 0, wrong: 0, missed: 0 }));
}

/** Return precision, recall and F1; null where no example allows one. */
function rates({ right, wrong, missed }) {
  return {
    precision: quotient(right, right + wrong),
    recall: quotient(right, right + missed),
    f1: quotient(2 * right, 2 * right + wrong + missed),
  };
}

/** Return the counts of several concepts together. */
function together(counts) {
  const sum = { right: 0, wrong: 0, missed: 0 };
  for (const each of counts) for (const key of Object.keys(sum)) sum[key] += each[key];
  return sum;
}

/** Return one calibration of several over the same bins, with its expected calibration error. */
function pooled(calibrations) {
  const bins = new Map();
  for (const bin of calibrations.flatMap((each) => each.bins)) {
    const sum = bins.get(bin.lower) ?? { lower: bin.lower, upper: bin.upper, count: 0, score: 0, right: 0 };
    const count = sum.count + bin.count;
    sum.score = (sum.score * sum.count + bin.score * bin.count) / count;
    sum.right = (sum.right * sum.count + bin.right * bin.count) / count;
    sum.count = count;
    bins.set(bin.lower, sum);
  }
  const all = [...bins.values()].sort((one, other) => one.lower - other.lower);
  const total = all.reduce((sum, bin) => sum + bin.count, 0);
  if (!total) return null;
  return { error: all.reduce((sum, bin) => sum + bin.count * Math.abs(bin.right - bin.score), 0) / total, bins: all };
}
