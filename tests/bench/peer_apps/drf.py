"""Django REST framework: a ModelSerializer for each row, stored with bulk_create (WSGI)."""

import os

import django
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

_server = conninfo_to_dict(os.environ["PEER_DATABASE_URL"])
settings.configure(
    SECRET_KEY="peer",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["rest_framework"],
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None},
    USE_TZ=True,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": _server["host"],
            "PORT": _server["port"],
            "USER": _server["user"],
            "PASSWORD": _server["password"],
            "NAME": _server["dbname"],
            "CONN_MAX_AGE": None,
            "OPTIONS": {"options": "-c search_path=bench"},
        }
    },
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - needs the settings
from django.db import models, transaction  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.serializers import ModelSerializer  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class Department(models.Model):
    department_id = models.IntegerField(primary_key=True)

    class Meta:
        app_label = "peer"
        db_table = "departments"
        managed = False


class Job(models.Model):
    job_id = models.IntegerField(primary_key=True)

    class Meta:
        app_label = "peer"
        db_table = "jobs"
        managed = False


class Employee(models.Model):
    employee_id = models.IntegerField(primary_key=True)
    employee_name = models.TextField()
    hire_date = models.DateTimeField()
    department = models.ForeignKey(Department, models.DO_NOTHING)
    job = models.ForeignKey(Job, models.DO_NOTHING)

    class Meta:
        app_label = "peer"
        db_table = "narrow_fk"
        managed = False


class EmployeeSerializer(ModelSerializer):
    class Meta:
        model = Employee
        fields = ("employee_id", "employee_name", "hire_date", "department_id", "job_id")


class EmployeesView(APIView):
    def post(self, request: Request) -> Response:
        """Store a list of rows."""
        rows = EmployeeSerializer(data=request.data, many=True)
        rows.is_valid(raise_exception=True)
        given = zip(rows.validated_data, request.data, strict=True)
        with transaction.atomic():
            Employee._default_manager.bulk_create(
                Employee(**row, department_id=sent["department_id"], job_id=sent["job_id"])
                for row, sent in given
            )
        return Response({"inserted": len(rows.validated_data)}, status=201)


urlpatterns = [path("employees", EmployeesView.as_view())]
application = get_wsgi_application()
