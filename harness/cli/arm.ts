// The child's side of an arm: the process that `bench run` forks. It loads suites for the harness, which may not.

import { serve } from '../serve.ts';
import { loadSuite } from './suites.ts';

serve(async (source) => (await loadSuite(source)).suite);
