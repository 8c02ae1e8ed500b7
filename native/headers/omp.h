/*
 * The OpenMP runtime that oneDNN runs on (GNU libgomp). Declared here, not included: the compiler's own omp.h pulls
 * in compiler-specific attributes for two functions whose signatures are fixed by the OpenMP standard.
 */
int omp_get_max_threads(void);
void omp_set_num_threads(int num_threads);
void omp_set_dynamic(int dynamic_threads);
int omp_get_num_procs(void);
