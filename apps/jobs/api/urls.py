"""Routes of the jobs."""

from django.urls import path

from apps.jobs.api import views

app_name = "jobs"

urlpatterns = [
    path("jobs", views.JobsView.as_view(), name="jobs"),
    path("jobs/<uuid:job_id>", views.JobView.as_view(), name="job"),
    path("job-queues", views.QueuesView.as_view(), name="job-queues"),
    path("dead-letters", views.DeadLettersView.as_view(), name="dead-letters"),
    path("dead-letters/<uuid:letter_id>/retry", views.DeadLetterRetryView.as_view(), name="dead-letter-retry"),
    path("dead-letters/<uuid:letter_id>/discard", views.DeadLetterDiscardView.as_view(), name="dead-letter-discard"),
    path("schedules", views.SchedulesView.as_view(), name="schedules"),
    path("close-of-business", views.ClosesView.as_view(), name="closes"),
    path("close-of-business/<uuid:close_id>", views.CloseView.as_view(), name="close"),
]
