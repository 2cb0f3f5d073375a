// Events as TensorBoard reads them: protocol buffers, field numbers from tensorflow/core/util/event.proto and framework/summary.proto.
//
//   Event    { double wall_time = 1 (seconds); int64 step = 2; one of: string file_version = 3, bytes graph_def = 4, Summary summary = 5, SessionLog session_log = 7 }
//   Summary  { repeated Value value = 1 { string tag = 1; one of: float simple_value = 2, Image image = 4, HistogramProto histo = 5 } }

import type { Histogram } from './histogram.ts';
import type { Entry, Image } from './log.ts';
import { pngOf } from './png.ts';
import { Message } from './protobuf.ts';

/** What the first record of a file must say. */
const VERSION = 'brain.Event:2';

const eventAt = (time: number): Message => new Message().double(1, time / 1000);

export const versionEvent = (time: number): Uint8Array => eventAt(time).nested(3, VERSION).finish();

/** Event of SessionLog { status = 1: START }: what an earlier file of the run holds from this step on is void, since it was trained anew. */
export function startEvent(step: number, time: number): Uint8Array {
  const event = eventAt(time);
  if (step !== 0) event.integer(2, step);
  return event.nested(7, new Message().integer(1, 1)).finish();
}

export const graphEvent = (graphDef: Uint8Array, time: number): Uint8Array => eventAt(time).nested(4, graphDef).finish();

export function summaryEvent({ tag, step, time, content }: Entry): Uint8Array {
  const value = new Message().nested(1, tag);
  if (content.kind === 'scalar') value.float(2, content.value);
  if (content.kind === 'image') value.nested(4, imageMessage(content.image));
  if (content.kind === 'histogram') value.nested(5, histogramMessage(content.histogram));
  const event = eventAt(time);
  // A number that is 0 is left out: so protocol buffers of version 3 have it.
  if (step !== 0) event.integer(2, step);
  return event.nested(5, new Message().nested(1, value)).finish();
}

/** Image { int32 height = 1, width = 2, colorspace = 3 (the channels); bytes encoded_image_string = 4 } */
const imageMessage = (image: Image): Message =>
  new Message().integer(1, image.height).integer(2, image.width).integer(3, image.channels).nested(4, pngOf(image));

/** HistogramProto { double min = 1, max = 2, num = 3, sum = 4, sum_squares = 5; repeated double bucket_limit = 6, bucket = 7 } */
function histogramMessage({ min, max, count, sum, sumOfSquares, limits, counts }: Histogram): Message {
  const message = new Message();
  for (const [i, value] of [min, max, count, sum, sumOfSquares].entries()) if (value !== 0) message.double(i + 1, value);
  return limits.length > 0 ? message.doubles(6, limits).doubles(7, counts) : message;
}
