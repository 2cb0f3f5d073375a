// Lanes: spans of one track, laid out so that any two on a lane are either apart or one inside of the other.
//
// Viewers draw a track as a stack of calls, so they cannot show spans that overlap in part, such as two reads in flight at once. Those get further lanes.

/** Whole nanoseconds, so that a span that ends where the next begins does not overlap it by a rounding. */
export interface Interval {
  readonly startNs: number;
  readonly endNs: number;
}

/** The lane of each span: greedily the first that it fits, longer spans before the shorter ones that begin with them. The spans may come in any order. */
export function lanesOf(spans: readonly Interval[]): number[] {
  const order = spans.map((_, i) => i).sort((a, b) => spans[a].startNs - spans[b].startNs || spans[b].endNs - spans[a].endNs);
  const lanes: number[] = new Array(spans.length);
  /** The ends of the spans that are open on each lane, the innermost last. */
  const open: number[][] = [];
  for (const i of order) {
    const { startNs, endNs } = spans[i];
    let lane = open.findIndex((ends) => {
      while (ends.length > 0 && ends[ends.length - 1] <= startNs) ends.pop();
      return ends.length === 0 || endNs <= ends[ends.length - 1];
    });
    if (lane < 0) lane = open.push([]) - 1;
    open[lane].push(endNs);
    lanes[i] = lane;
  }
  return lanes;
}
