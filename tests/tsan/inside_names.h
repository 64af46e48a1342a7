/* Included before all else: the locks of src/libc get names that are not those of the C library here. */
#ifndef CM_TESTS_INSIDE_NAMES_H
#define CM_TESTS_INSIDE_NAMES_H

#define cnd_broadcast                 inside_cnd_broadcast
#define cnd_destroy                   inside_cnd_destroy
#define cnd_init                      inside_cnd_init
#define cnd_signal                    inside_cnd_signal
#define cnd_timedwait                 inside_cnd_timedwait
#define cnd_wait                      inside_cnd_wait
#define mtx_destroy                   inside_mtx_destroy
#define mtx_init                      inside_mtx_init
#define mtx_lock                      inside_mtx_lock
#define mtx_timedlock                 inside_mtx_timedlock
#define mtx_trylock                   inside_mtx_trylock
#define mtx_unlock                    inside_mtx_unlock
#define pthread_barrier_destroy       inside_pthread_barrier_destroy
#define pthread_barrier_init          inside_pthread_barrier_init
#define pthread_barrier_wait          inside_pthread_barrier_wait
#define pthread_cond_broadcast        inside_pthread_cond_broadcast
#define pthread_cond_destroy          inside_pthread_cond_destroy
#define pthread_cond_init             inside_pthread_cond_init
#define pthread_cond_signal           inside_pthread_cond_signal
#define pthread_cond_timedwait        inside_pthread_cond_timedwait
#define pthread_cond_wait             inside_pthread_cond_wait
#define pthread_mutex_consistent      inside_pthread_mutex_consistent
#define pthread_mutex_destroy         inside_pthread_mutex_destroy
#define pthread_mutex_getprioceiling  inside_pthread_mutex_getprioceiling
#define pthread_mutex_init            inside_pthread_mutex_init
#define pthread_mutex_lock            inside_pthread_mutex_lock
#define pthread_mutex_setprioceiling  inside_pthread_mutex_setprioceiling
#define pthread_mutex_timedlock       inside_pthread_mutex_timedlock
#define pthread_mutex_trylock         inside_pthread_mutex_trylock
#define pthread_mutex_unlock          inside_pthread_mutex_unlock
#define pthread_mutexattr_setprotocol inside_pthread_mutexattr_setprotocol
#define pthread_mutexattr_setrobust   inside_pthread_mutexattr_setrobust
#define pthread_once                  inside_pthread_once
#define pthread_rwlock_destroy        inside_pthread_rwlock_destroy
#define pthread_rwlock_init           inside_pthread_rwlock_init
#define pthread_rwlock_rdlock         inside_pthread_rwlock_rdlock
#define pthread_rwlock_timedrdlock    inside_pthread_rwlock_timedrdlock
#define pthread_rwlock_timedwrlock    inside_pthread_rwlock_timedwrlock
#define pthread_rwlock_tryrdlock      inside_pthread_rwlock_tryrdlock
#define pthread_rwlock_trywrlock      inside_pthread_rwlock_trywrlock
#define pthread_rwlock_unlock         inside_pthread_rwlock_unlock
#define pthread_rwlock_wrlock         inside_pthread_rwlock_wrlock
#define call_once                     inside_call_once
#define sem_destroy                   inside_sem_destroy
#define sem_getvalue                  inside_sem_getvalue
#define sem_init                      inside_sem_init
#define sem_post                      inside_sem_post
#define sem_timedwait                 inside_sem_timedwait
#define sem_trywait                   inside_sem_trywait
#define sem_wait                      inside_sem_wait

#endif
