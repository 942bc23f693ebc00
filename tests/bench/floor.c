/* The least that a step of two LSTM layers and an output layer takes: OpenBLAS for the products, C for the rest.
 *
 *   floor UNITS DIMENSION OUTPUTS STEPS      prints the median and the 99th percentile, in microseconds
 *
 * SGEMV is the name of cblas_sgemv in the OpenBLAS it is linked with, whose integers have 64 bits.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROW_MAJOR = 101, AS_IT_IS = 111 };

void SGEMV(int order, int transposed, long rows, long columns, float alpha, const float *matrix, long stride,
           const float *x, long x_step, float beta, float *y, long y_step);

static double microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return 1e6 * now.tv_sec + 1e-3 * now.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

static float *filled(long count, float largest) {
  float *values = aligned_alloc(64, (sizeof(float) * count + 63) / 64 * 64);
  for (long k = 0; k < count; k++) values[k] = largest * (2.0f * (float)drand48() - 1.0f);
  return values;
}

static void multiply(const float *matrix, long rows, long columns, const float *x, const float *bias, float *y) {
  memcpy(y, bias, sizeof(float) * rows);
  SGEMV(ROW_MAJOR, AS_IT_IS, rows, columns, 1.0f, matrix, columns, x, 1, 1.0f, y, 1);
}

static float logistic(float x) { return 1.0f / (1.0f + expf(-x)); }

/* From the gates of a layer (input, forget, output, candidate) to its cell and its output. */
static void remember(const float *gates, long units, float *cell, float *output) {
  for (long k = 0; k < units; k++) {
    cell[k] = logistic(gates[units + k]) * cell[k] + logistic(gates[k]) * tanhf(gates[3 * units + k]);
    output[k] = logistic(gates[2 * units + k]) * tanhf(cell[k]);
  }
}

int main(int count, char **words) {
  if (count != 5) return 2;
  long units = atol(words[1]), dimension = atol(words[2]), outputs = atol(words[3]), steps = atol(words[4]);
  float *below = filled(4 * units * (dimension + units), 0.05f), *above = filled(8 * units * units, 0.05f);
  float *head = filled(outputs * units, 0.05f), *bias = filled(4 * units + outputs, 0.05f);
  float *heard = filled(dimension + units, 0.5f), *carried = filled(2 * units, 0.5f);
  float *cells = filled(2 * units, 0.5f), *gates = filled(4 * units, 0.0f), *mixture = filled(outputs, 0.0f);
  double *times = malloc(sizeof(double) * steps);
  for (long step = 0; step < steps; step++) {
    double begin = microseconds();
    multiply(below, 4 * units, dimension + units, heard, bias, gates);
    remember(gates, units, cells, heard + dimension);
    memcpy(carried, heard + dimension, sizeof(float) * units);
    multiply(above, 4 * units, 2 * units, carried, bias, gates);
    remember(gates, units, cells + units, carried + units);
    multiply(head, outputs, units, carried + units, bias, mixture);
    times[step] = microseconds() - begin;
    heard[0] = 0.01f * mixture[0];
  }
  qsort(times, steps, sizeof(double), ascending);
  printf("%f %f\n", times[steps / 2], times[steps * 99 / 100]);
  return 0;
}
