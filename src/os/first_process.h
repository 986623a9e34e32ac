/*
 * Process 1 of a container has no default actions: a signal that nobody handles is no signal
 * (pid_namespaces(7)), so SIGTERM before the loop runs would be lost, and the container's runtime
 * would wait for its patience to end and kill.
 */
#pragma once

/* As process 1: until somebody handles them, SIGTERM and SIGINT end us as they do anybody else. */
void first_process_obey(void);
