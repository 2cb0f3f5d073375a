// Losses in float64 over a batch whose examples weigh `shares`, which sum to 1: the value, and its gradient by what the net puts out.

type Numbers = Float64Array<ArrayBuffer>;

export interface Loss {
  readonly value: number;
  readonly upstream: Numbers;
}

/** Mean squared difference to `targets`, of the shape of `outputs`. */
export function squaredLoss(outputs: Numbers, targets: ArrayLike<number>, shares: Numbers): Loss {
  const width = outputs.length / shares.length;
  const upstream = new Float64Array(outputs.length);
  let value = 0;
  for (const [i, output] of outputs.entries()) {
    const [difference, share] = [output - targets[i], shares[Math.floor(i / width)] / width];
    value += share * difference ** 2;
    upstream[i] = 2 * share * difference;
  }
  return { value, upstream };
}

/** Mean of -log softmax(logits)[class], with a class for each example in `targets`. */
export function crossEntropyLoss(logits: Numbers, targets: ArrayLike<number>, shares: Numbers): Loss {
  const width = logits.length / shares.length;
  const upstream = new Float64Array(logits.length);
  let value = 0;
  for (const [row, share] of shares.entries()) {
    const scores = logits.subarray(row * width, (row + 1) * width);
    const largest = Math.max(...scores);
    const powers = scores.map((score) => Math.exp(score - largest));
    const sum = powers.reduce((total, power) => total + power, 0);
    value += share * (Math.log(sum) - (scores[targets[row]] - largest));
    for (const [i, power] of powers.entries()) upstream[row * width + i] = share * (power / sum - (i === targets[row] ? 1 : 0));
  }
  return { value, upstream };
}
