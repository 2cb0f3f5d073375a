// The devices of a program: opened once each by kind, and found again by that name. The first one opened is where tensors are made unless told otherwise.

import { type Device, DeviceError, type DeviceKind, type DeviceOptions, openDevice } from '../kernels/index.ts';
import { forgetLaunches } from './launches.ts';
import { prepareTable } from './tuned.ts';

/** A device that is open, or the kind of one. */
export type Place = Device | DeviceKind;

const opening = new Map<DeviceKind, Promise<Device>>();
const ready = new Map<DeviceKind, Device>();

/** Opens the device of a kind, or gives the one that is open. Rejects with a DeviceError that says what is missing. */
export function open(kind: DeviceKind = 'cpu', options: DeviceOptions = {}): Promise<Device> {
  let promise = opening.get(kind);
  if (!promise) {
    // Tables are read while the device opens: nothing is chosen before both are there.
    promise = Promise.all([openDevice(kind, options), prepareTable()]).then(([device]) => {
      ready.set(kind, device);
      return device;
    });
    // A failure is not kept: the next call tries again.
    promise.catch(() => opening.delete(kind));
    opening.set(kind, promise);
  }
  return promise;
}

/** The open device of a place; the first that was opened where none is given. Throws a DeviceError where it is not open. */
export function deviceAt(place?: Place): Device {
  if (typeof place === 'object') return place;
  const device = place === undefined ? ready.values().next().value : ready.get(place);
  if (!device) throw new DeviceError(`no ${place ?? 'device'} is open; first call await open('${place ?? 'cpu'}')`);
  return device;
}

/** Closes a device and forgets the launches on it; its tensors are lost. */
export async function close(place: Place): Promise<void> {
  const device = deviceAt(place);
  forgetLaunches(device);
  if (ready.get(device.kind) === device) {
    ready.delete(device.kind);
    opening.delete(device.kind);
  }
  await device.close();
}
